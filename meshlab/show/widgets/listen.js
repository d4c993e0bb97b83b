// anywidget waits two seconds for a widget to begin. In a page that is busy for longer, such as a slow machine that loads
// a library, it then drops whatever the kernel sends to that widget, for good. This widget listens by itself in that case
// and asks for what it has missed.

function listen({ model }) {
  const begun = async (own) => {
    try {
      await own._handle_comm_msg({ content: { data: {} } }); // answered once anywidget listens
    } catch {
      const plain = Object.getPrototypeOf(Object.getPrototypeOf(own))._handle_comm_msg;
      own.comm.on_msg((message) => plain.call(own, message));
      own.comm.send({ method: "request_state" }, own.callbacks());
    }
  };
  // anywidget hands out a part of the model; listeners of a change get the whole
  model.on("change:begun", (own) => void begun(own));
  model.set("begun", true);
}

