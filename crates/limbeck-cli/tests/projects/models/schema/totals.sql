-- A view that needs a function that stands below it.
CREATE VIEW totals AS SELECT id, email, total_of(id) AS total FROM customers;

CREATE FUNCTION total_of(customer bigint) RETURNS numeric LANGUAGE sql STABLE AS $$
    SELECT sum(total) FROM orders WHERE orders.customer = $1
$$;
