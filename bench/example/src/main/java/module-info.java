/** An application that embeds Jambic: all it takes is one requirement. */
module jambic.example {
  requires jambic.train;
}
