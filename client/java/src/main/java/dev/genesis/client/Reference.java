package dev.genesis.client;

/**
 * A value that lies elsewhere; fetching it is up to you.
 *
 * @param uri where it lies
 * @param sha256 SHA-256 of its bytes in lower-case hexadecimal
 * @param mediaType for example "text/csv"; may be empty
 */
public record Reference(String uri, String sha256, String mediaType) {}
