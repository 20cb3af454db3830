use limbeck::{Enum, Table};

#[cfg(feature = "billing")]
#[derive(Table)]
struct Invoice {
    id: i32,
}

#[derive(Table)]
struct Order {
    id: i32,
    #[cfg(feature = "notes")]
    note: String,
    #[cfg_attr(feature = "sqlx", sqlx(rename = "x"))]
    y: i32,
}

#[cfg_attr(feature = "db", derive(Table))]
struct Maybe {
    id: i32,
}

#[cfg(test)]
mod tests {
    #[derive(limbeck::Enum)]
    enum Kind {
        A,
    }
}

#[cfg(test)]
mod harmless {
    struct X;
}

macro_rules! model {
    ($name:ident) => {
        #[derive(Table, Clone)]
        struct $name {
            id: i32,
        }
    };
}
model!(Hidden);

macro_rules! more {
    ($($x:ident),*) => {
        #[derive(Enum, $($x),*)]
        enum E { A }
    };
}

fn local() {
    #[derive(Table)]
    struct Local {
        id: i32,
    }
}
