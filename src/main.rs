//! The `carry` command: parse, dispatch, exit code. Everything else is in the
//! library.

use std::process::ExitCode;

// Rules and objects are many small allocations that go all at once; glibc's
// allocator takes a third of the time of `check-rules` for them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    carry::cli::main()
}
