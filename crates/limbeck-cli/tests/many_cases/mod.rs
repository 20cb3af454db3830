mod crowd;
mod pooler;
mod starters;
