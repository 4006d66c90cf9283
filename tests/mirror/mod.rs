//! Tests against real etcd: everything above the engine. Where no server is
//! needed, the scripted source stands in.

mod admin;
mod commands;
mod connect;
mod destination;
mod engine;
mod harness;
mod kms;
mod kms_server;
mod pipeline;
mod reencrypt;
mod run;
mod settings;
mod source;
mod state;
