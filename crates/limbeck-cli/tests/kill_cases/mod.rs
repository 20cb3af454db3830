mod bed;
mod cuts;
mod proxy;
mod wire;
