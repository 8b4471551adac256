//! Every SQL statement, the migrations and the one door to the database.
