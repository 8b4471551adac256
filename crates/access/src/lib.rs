//! Who may do and see what: the Cedar schema, its policies and the facts for a decision.
