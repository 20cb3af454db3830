mod command;
mod database;
mod migration;
mod probe;
mod wait;
