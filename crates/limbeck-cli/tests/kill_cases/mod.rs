mod application;
mod bed;
mod cuts;
mod held;
mod outlives;
mod phases;
mod proxy;
mod wire;
