/**
 * Layers, and what models are built with: parameters, their first values, low-rank adapters, and
 * the cache of keys and values.
 */
package jambic.model.nn;
