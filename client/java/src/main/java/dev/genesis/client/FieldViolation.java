package dev.genesis.client;

/**
 * A field of a request that breaks a constraint.
 *
 * @param field path in the request, for example {@code plan.tasks[2].id}
 * @param description what is wrong and what to do
 * @param rule id of the constraint, for example {@code STRING_MIN_LEN}; may be empty
 */
public record FieldViolation(String field, String description, String rule) {}
