//! Tests against real etcd: everything above the engine. Where no server is
//! needed, the scripted source stands in.

mod admin;
mod auth;
mod backup;
mod bolt;
mod chaos;
mod check_data;
mod check_rules;
mod cluster;
mod commands;
mod connect;
mod destination;
mod engine;
mod engine_changes;
mod engine_leases;
mod explain;
mod explained;
mod harness;
mod hooks;
mod kms;
mod kms_server;
mod leases;
mod pipeline;
mod policies;
mod proxy;
mod reencrypt;
mod run;
mod settings;
mod simulation;
mod source;
mod state;
mod verify;
mod verify_world;
