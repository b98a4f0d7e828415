/** What a run costs before it is started: parameters, arithmetic, memory, time. */
package jambic.train.plan;
