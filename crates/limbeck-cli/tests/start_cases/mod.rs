mod command;
mod database;
mod migration;
mod wait;
