//! Rows of one kind, written together: a server takes as long to be asked as to write a row.

use std::collections::{HashMap, HashSet};

use crate::value::{Statement, Value};

/// A statement that adds rows of placeholders alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Insert {
    table: &'static str,
    columns: &'static str,
    /// What follows on the values: what to do where a row is there already.
    then: &'static str,
    /// Places of the values by which a row is found to be there; it is then changed, which one statement may do to it once.
    key: Vec<usize>,
}

/// What a statement does, as far as it may be moved among others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Does {
    /// Adds rows.
    Insert(Insert),
    /// Changes or removes rows of this table by what they hold.
    Change(&'static str),
    /// Something else, before and after which everything stays as it is.
    Other,
}

impl Does {
    /// Returns what a statement does.
    pub(super) fn of(sql: &'static str) -> Self {
        if let Some(insert) = Insert::of(sql) {
            return Self::Insert(insert);
        }
        let named = ["DELETE FROM ", "UPDATE "].iter().find_map(|word| sql.strip_prefix(word)?.split(' ').next());
        match named {
            Some(table) if !sql.contains("SELECT") => Self::Change(table),
            Some(_) | None => Self::Other,
        }
    }

    fn table(&self) -> Option<&'static str> {
        match self {
            Self::Insert(Insert { table, .. }) | Self::Change(table) => Some(table),
            Self::Other => None,
        }
    }
}

impl Insert {
    fn of(sql: &'static str) -> Option<Self> {
        let (table, rest) = sql.strip_prefix("INSERT INTO ")?.split_once(" (")?;
        let (columns, rest) = rest.split_once(") VALUES (")?;
        let (values, then) = rest.split_once(')')?;
        let names: Vec<&str> = columns.split(", ").collect();
        let placeholders: Vec<String> = (1..=names.len()).map(|number| format!("${number}")).collect();
        if values != placeholders.join(", ") || then.contains('$') {
            return None;
        }
        let changed = then.strip_prefix(" ON CONFLICT (").and_then(|found| found.split_once(") DO UPDATE"));
        let place = |column| names.iter().position(|name| *name == column);
        let key = changed.map_or(Some(Vec::new()), |(key, _)| key.split(", ").map(place).collect())?;
        Some(Self { table, columns, then, key })
    }

    /// Returns the statement that adds any number of rows, given as one array for each column; `kinds` are the columns' types.
    pub(super) fn of_many<'k>(&self, kinds: impl Iterator<Item = &'k str>) -> String {
        let arrays: Vec<String> = kinds.enumerate().map(|(at, kind)| format!("${}::{kind}[]", at + 1)).collect();
        let Self { table, columns, then, .. } = self;
        format!("INSERT INTO {table} ({columns}) SELECT * FROM unnest({}){then}", arrays.join(", "))
    }

    fn key<'v>(&self, values: &'v [Value]) -> Key<'v> {
        self.key.iter().filter_map(|at| values.get(*at)).collect()
    }
}

/// Statements of one text, in their order.
pub(super) struct Gathered<'s> {
    pub(super) rows: Vec<&'s Statement>,
    /// Which rows it changes.
    keys: HashSet<Key<'s>>,
}

/// The values by which a row is found.
type Key<'s> = Vec<&'s Value>;

/// Gathers statements that add rows to one table. What happens to each table stays in its order; what happens to different
/// tables does not hang together, because none has foreign keys or triggers (a test reads the catalogue). `does` says what a statement does, and which scope it keeps to.
pub(super) fn gathered<'s, 'd>(
    statements: impl Iterator<Item = &'s Statement>,
    does: impl Fn(&'s Statement) -> (&'d Does, &'s str),
) -> Vec<Gathered<'s>> {
    let mut out: Vec<Gathered<'s>> = Vec::new();
    // The newest of each table and scope.
    let mut newest: HashMap<(&str, &str), usize> = HashMap::new();
    for statement in statements {
        let (does, scope) = does(statement);
        let Some(table) = does.table() else {
            newest.clear();
            out.push(Gathered { rows: vec![statement], keys: HashSet::new() });
            continue;
        };
        let place = newest.entry((table, scope)).or_insert(usize::MAX);
        let insert = if let Does::Insert(insert) = does { Some(insert) } else { None };
        let key = insert.filter(|insert| !insert.key.is_empty()).map(|insert| insert.key(&statement.values));
        match out.get_mut(*place) {
            Some(open)
                if insert.is_some()
                    && open.rows.first().is_some_and(|first| first.sql == statement.sql)
                    && key.as_ref().is_none_or(|key| !open.keys.contains(key)) =>
            {
                open.rows.push(statement);
                open.keys.extend(key);
            }
            _ => {
                *place = out.len();
                out.push(Gathered { rows: vec![statement], keys: key.into_iter().collect() });
            }
        }
    }
    out
}

impl Gathered<'_> {
    /// Returns the values column by column.
    pub(super) fn columns(&self) -> Vec<Vec<&Value>> {
        let count = self.rows.first().map_or(0, |first| first.values.len());
        (0..count).map(|at| self.rows.iter().filter_map(|row| row.values.get(at)).collect()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    const ADD: &str = "INSERT INTO things (scope_id, name, size) VALUES ($1, $2, $3)";
    const PUT: &str = "INSERT INTO rows (scope_id, name, size) VALUES ($1, $2, $3) \
        ON CONFLICT (scope_id, name) DO UPDATE SET size = excluded.size";
    const DROP: &str = "DELETE FROM rows WHERE scope_id = $1 AND name = $2";
    const ODD: &str = "DELETE FROM rows WHERE scope_id = $1 AND NOT EXISTS (SELECT 1 FROM things)";

    fn statement(sql: &'static str, name: &str) -> Statement {
        let values = if sql == DROP { values!["s", name] } else { values!["s", name, 1_i64] };
        Statement { sql, values }
    }

    /// Returns what is said, one word for each statement: its first letters and the names of its rows.
    fn said(statements: &[(&'static str, &str)]) -> Vec<String> {
        let statements: Vec<Statement> = statements.iter().map(|(sql, name)| statement(sql, name)).collect();
        let does: HashMap<&str, Does> = [ADD, PUT, DROP, ODD].into_iter().map(|sql| (sql, Does::of(sql))).collect();
        let gathered = gathered(statements.iter(), |statement| (&does[statement.sql], "s"));
        let name = |row: &&Statement| if let Value::Text(name) = &row.values[1] { name.clone() } else { String::new() };
        let word = |group: &Gathered<'_>| {
            let names: Vec<String> = group.rows.iter().map(name).collect();
            let sql = group.rows[0].sql;
            format!(
                "{} {}",
                if sql == ADD {
                    "add"
                } else if sql == PUT {
                    "put"
                } else {
                    "drop"
                },
                names.join(",")
            )
        };
        gathered.iter().map(word).collect()
    }

    #[test]
    fn rows_of_one_table_are_said_together_wherever_they_stand() {
        assert_eq!(said(&[(ADD, "a"), (PUT, "a"), (ADD, "b"), (PUT, "b")]), ["add a,b", "put a,b"]);
    }

    #[test]
    fn what_happens_to_one_table_stays_in_its_order() {
        assert_eq!(said(&[(PUT, "a"), (DROP, "b"), (PUT, "b"), (PUT, "c")]), ["put a", "drop b", "put b,c"]);
        assert_eq!(said(&[(PUT, "a"), (ODD, "-"), (ADD, "b"), (PUT, "b")]), ["put a", "drop -", "add b", "put b"]);
    }

    #[test]
    fn one_statement_changes_a_row_once() {
        assert_eq!(said(&[(PUT, "a"), (PUT, "b"), (PUT, "a"), (PUT, "c")]), ["put a,b", "put a,c"]);
        assert_eq!(said(&[(ADD, "a"), (ADD, "a")]), ["add a,a"], "the database refuses this one as it did before");
    }

    #[test]
    fn many_rows_come_as_one_array_for_each_column() {
        let Does::Insert(put) = Does::of(PUT) else { panic!("no insert") };
        assert_eq!(
            put.of_many(["text", "text", "int8"].into_iter()),
            "INSERT INTO rows (scope_id, name, size) SELECT * FROM unnest($1::text[], $2::text[], $3::int8[]) \
             ON CONFLICT (scope_id, name) DO UPDATE SET size = excluded.size"
        );
        let rows = [statement(PUT, "a"), statement(PUT, "b")];
        let group = Gathered { rows: rows.iter().collect(), keys: HashSet::new() };
        let columns = group.columns().concat();
        assert_eq!(columns.into_iter().cloned().collect::<Vec<_>>(), values!["s", "s", "a", "b", 1_i64, 1_i64]);
    }

    #[test]
    fn what_is_not_plain_is_left_alone() {
        for sql in [
            "INSERT INTO things (name, size) VALUES ($1, 0)",
            "INSERT INTO things (name, size) VALUES ($2, $1)",
            "INSERT INTO things (name) SELECT name FROM rows",
            "INSERT INTO rows (name) VALUES ($1) ON CONFLICT (name) DO UPDATE SET name = $1",
            ODD,
        ] {
            assert_eq!(Does::of(sql), Does::Other, "{sql}");
        }
        assert_eq!(Does::of(DROP), Does::Change("rows"));
    }
}
