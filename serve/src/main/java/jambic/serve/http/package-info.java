/**
 * A small web server: routes by method and path, pages from a fixed set, events, and the checks
 * that keep other people's pages out. It knows nothing of models.
 */
package jambic.serve.http;
