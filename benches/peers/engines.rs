//! The engines: each compiles once, keeps what it evaluates over from call to
//! call, and is used in the fastest way that its interface offers.
//!
//! Promises that an engine's verdicts are carry's before it is timed.
//! Deliberately leaves an engine out where it has no spelling.

use std::hint::black_box;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::conditions::{time, time_compiling};
use crate::spellings;

/// What an engine took.
#[derive(Clone, Copy)]
pub struct Figures {
    /// µs.
    pub compiling: f64,
    /// ns.
    pub evaluating: f64,
}

/// Asserts the verdicts, then takes the times.
fn measure(
    text: &str,
    compiling: impl FnMut(),
    mut verdict: impl FnMut(usize) -> bool,
) -> Option<Figures> {
    assert!(verdict(0), "it should match: {text}");
    assert!(!verdict(1), "it should not match: {text}");
    Some(Figures {
        compiling: time_compiling(compiling),
        evaluating: time(|which| {
            black_box(verdict(black_box(which)));
        }),
    })
}

/// `cel`: its faster parser, and evaluation without a copy of the outcome.
pub fn cel(condition: &str, text: &str, pods: &[Json; 2]) -> Option<Figures> {
    use cel::common::types::CelBool;
    use cel::parser::PrattParser;
    use cel::{Context, Value};
    if condition == "quantity" {
        return None;
    }
    let compile = || PrattParser::default().parse(text).expect("good CEL");
    let program = compile();
    let contexts = pods.each_ref().map(|pod| {
        let mut context = Context::default();
        context
            .add_variable("object", pod.clone())
            .expect("a value");
        context
    });
    measure(
        text,
        || drop(black_box(compile())),
        |which| {
            let value = Value::resolve_val(&program, &contexts[which]).expect("no fault");
            let value = value.downcast_ref::<CelBool>().expect("a truth value");
            *value.inner()
        },
    )
}

/// `cel-core`: checked, with the variable of type `dyn`.
pub fn cel_core(condition: &str, text: &str, pods: &[Json; 2]) -> Option<Figures> {
    use cel_core::{CelType, Env, MapActivation, Value};
    if condition == "quantity" {
        return None;
    }
    let env = Env::with_standard_library().with_variable("object", CelType::Dyn);
    let compile = || {
        env.program(&env.compile(text).expect("good CEL"))
            .expect("good CEL")
    };
    let program = compile();
    let activations = pods.each_ref().map(|pod| {
        let mut activation = MapActivation::new();
        activation.insert("object", of_json(pod));
        activation
    });
    measure(
        text,
        || drop(black_box(compile())),
        |which| match program.eval(&activations[which]) {
            Value::Bool(value) => value,
            other => panic!("{other:?}"),
        },
    )
}

fn of_json(json: &Json) -> cel_core::Value {
    use cel_core::Value;
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::from(*value),
        Json::Number(value) => Value::from(value.as_i64().expect("an integer")),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::from(items.iter().map(of_json).collect::<Vec<_>>()),
        Json::Object(members) => {
            let members = members.iter();
            Value::map(members.map(|(name, member)| (name.as_str(), of_json(member))))
        }
    }
}

/// `zen-expression`: bytecode, with one virtual machine.
pub fn zen(condition: &str, pods: &[Json; 2]) -> Option<Figures> {
    use zen_expression::vm::VM;
    use zen_expression::{Isolate, Scope, Variable};
    let text = spellings::zen(condition)?;
    let mut isolate = Isolate::new();
    let program = isolate.compile_standard(&text).expect("good ZEN");
    let scopes = pods
        .each_ref()
        .map(|pod| Scope::new(serde_json::json!({"object": pod}).into()));
    let mut vm = VM::new();
    measure(
        &text,
        || {
            drop(black_box(
                isolate.compile_standard(&text).expect("good ZEN"),
            ))
        },
        |which| {
            let value = program.evaluate_with_scope(&scopes[which], &mut vm);
            matches!(value, Ok(Variable::Bool(true)))
        },
    )
}

/// `rhai`: a syntax tree, with a scope that is rewound.
pub fn rhai(condition: &str, pods: &[Json; 2]) -> Option<Figures> {
    use rhai::{Engine, Scope};
    let text = spellings::rhai(condition)?;
    let engine = Engine::new();
    let ast = engine.compile(&text).expect("good Rhai");
    let mut scopes = pods.each_ref().map(|pod| {
        let object = engine.parse_json(pod.to_string(), true).expect("JSON");
        let mut scope = Scope::new();
        scope.push_constant("object", object);
        scope
    });
    measure(
        &text,
        || drop(black_box(engine.compile(&text).expect("good Rhai"))),
        |which| {
            let value = engine.eval_ast_with_scope::<bool>(&mut scopes[which], &ast);
            value.expect("no fault")
        },
    )
}

/// `regorus`: its virtual machine, with the input set for each evaluation, as
/// it demands.
pub fn regorus(condition: &str, pods: &[Json; 2]) -> Option<Figures> {
    use regorus::languages::rego::compiler::Compiler;
    use regorus::rvm::vm::RegoVM;
    use regorus::{Engine, Rc, Value};
    let text = spellings::rego(condition)?;
    let entry = "data.bench.allow";
    let compile = || {
        let mut engine = Engine::new();
        let added = engine.add_policy("bench.rego".to_owned(), text.clone());
        added.expect("good Rego");
        let policy = engine.compile_with_entrypoint(&Rc::from(entry));
        let program = Compiler::compile_from_policy(&policy.expect("good Rego"), &[entry]);
        program.expect("good Rego")
    };
    let mut vm = RegoVM::new();
    vm.load_program(Arc::clone(&compile()));
    let inputs = pods.each_ref().map(|pod| Value::from(pod.clone()));
    measure(
        &text,
        || drop(black_box(compile())),
        |which| {
            vm.set_input(inputs[which].clone());
            vm.execute().expect("no fault") == Value::Bool(true)
        },
    )
}

/// `wirefilter-engine`: a filter over fields that are set already.
pub fn wirefilter(condition: &str, pods: &[Json; 2]) -> Option<Figures> {
    use wirefilter::{ExecutionContext, Scheme, Type};
    let text = spellings::wirefilter(condition)?;
    let texts = [
        ("metadata.namespace", "/metadata/namespace"),
        ("metadata.name", "/metadata/name"),
        ("labels.team", "/metadata/labels/team"),
        ("labels.tier", "/metadata/labels/tier"),
        ("spec.nodeName", "/spec/nodeName"),
    ];
    let numbers = [
        ("spec.priority", "/spec/priority"),
        ("spec.grace", "/spec/terminationGracePeriodSeconds"),
    ];
    let texts_of = texts
        .iter()
        .map(|(name, _)| (name.to_string(), Type::Bytes));
    let numbers_of = numbers
        .iter()
        .map(|(name, _)| (name.to_string(), Type::Int));
    let scheme = Scheme::try_from_iter(texts_of.chain(numbers_of)).expect("a scheme");
    let compile = || scheme.parse(&text).expect("a good filter").compile();
    let filter = compile();
    let contexts = pods.each_ref().map(|pod| {
        let mut context = ExecutionContext::new(&scheme);
        for (name, pointer) in texts {
            let text = pod.pointer(pointer).and_then(Json::as_str).expect("a text");
            context.set_field_value(name, text).expect("a text");
        }
        for (name, pointer) in numbers {
            let number = pod.pointer(pointer).and_then(Json::as_i64);
            let number = i32::try_from(number.expect("a number")).expect("32 bits");
            context.set_field_value(name, number).expect("a number");
        }
        context
    });
    measure(
        &text,
        || drop(black_box(compile())),
        |which| filter.execute(&contexts[which]).expect("the same scheme"),
    )
}
