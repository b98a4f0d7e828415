/** What a run will cost, in words and in JSON. */
package jambic.app.plan;
