/** What the engine's speed depends on: how this Java and this machine do. */
package jambic.app.doctor;
