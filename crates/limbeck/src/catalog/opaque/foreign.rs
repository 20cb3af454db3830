use super::super::Section;
use super::super::reader::class;
use super::super::scope::{FIRST_OWN, no_member};
use super::{options, read, select};

/// Foreign-data wrappers and servers.
pub(in super::super) const FOREIGN: Section = Section {
    sql: |scope| {
        let wrapper = select(class::FOREIGN_DATA_WRAPPER, "w.oid", "'wrapper'");
        let server = select(class::FOREIGN_SERVER, "s.oid", "'server'");
        let (wrapper_options, server_options) = (options("w.fdwoptions"), options("s.srvoptions"));
        format!(
            "{wrapper}, NULL::text AS schema, w.fdwname::text AS name, NULL::text AS arguments, \
             ARRAY[concat('CREATE FOREIGN DATA WRAPPER ', quote_ident(w.fdwname), \
             CASE WHEN w.fdwhandler <> 0 THEN ' HANDLER ' || w.fdwhandler::regproc::text END, \
             CASE WHEN w.fdwvalidator <> 0 THEN ' VALIDATOR ' || w.fdwvalidator::regproc::text END, {wrapper_options})] \
             AS create_statements, format('DROP FOREIGN DATA WRAPPER %I', w.fdwname) AS drop_statement \
             FROM pg_foreign_data_wrapper w WHERE {globals} AND w.oid >= {FIRST_OWN} AND {} \
             UNION ALL {server}, NULL, s.srvname::text, NULL, ARRAY[concat('CREATE SERVER ', quote_ident(s.srvname), \
             ' TYPE ' || quote_literal(s.srvtype), ' VERSION ' || quote_literal(s.srvversion), \
             ' FOREIGN DATA WRAPPER ', quote_ident(w.fdwname), {server_options})], format('DROP SERVER %I', s.srvname) \
             FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw WHERE {globals} AND {}",
            no_member(class::FOREIGN_DATA_WRAPPER, "w.oid"),
            no_member(class::FOREIGN_SERVER, "s.oid"),
            globals = scope.globals
        )
    },
    read,
};
