/** Models that are served: each with an engine, its thread, a bounded queue and figures. */
package jambic.serve.model;
