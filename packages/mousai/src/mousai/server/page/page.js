const $ = (id) => document.getElementById(id);
let current = null;

function tell(text, share) {
  $("state").textContent = text;
  $("bar").hidden = share === undefined;
  if (share !== undefined) $("bar").value = share;
}

function told(progress) {
  if (progress.status === "starting") {
    tell(progress.queue_place ? `${progress.queue_place} before this one` : "waiting for the model", 0);
  } else if (progress.stage) {
    const words = { latent_diffusion: "composing", decoder: "rendering" }[progress.stage];
    const left = progress.seconds_left === null ? "" : `, ${Math.ceil(progress.seconds_left)} s left`;
    tell(`${words}, step ${progress.step} of ${progress.total}${left}`, progress.step / progress.total);
  }
}

function ended(prediction) {
  current = null;
  $("cancel").hidden = true;
  if (prediction.status !== "succeeded") {
    tell(prediction.error ?? prediction.status);
    return;
  }
  tell(prediction.logs);
  const piece = document.createElement("figure");
  const words = document.createElement("figcaption");
  words.textContent = `${prediction.input.prompt}, seed ${prediction.input.seed}`;
  const sound = document.createElement("audio");
  sound.controls = true;
  sound.src = `/v1/files/${prediction.output_file}`;
  piece.append(words, sound);
  $("pieces").prepend(piece);
}

$("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const input = { prompt: $("prompt").value, duration: Number($("duration").value) };
  if ($("seed").value !== "") input.seed = Number($("seed").value);
  const answer = await fetch("/predictions", {
    method: "POST",
    headers: { "Content-Type": "application/json", Prefer: "respond-async" },
    body: JSON.stringify({ input }),
  });
  const body = await answer.json();
  if (!answer.ok) {
    tell(body.error.message);
    return;
  }
  current = body.id;
  $("cancel").hidden = false;
  const events = new EventSource(`/predictions/${body.id}/events`);
  events.addEventListener("progress", (one) => told(JSON.parse(one.data)));
  events.addEventListener("done", (one) => {
    events.close();
    ended(JSON.parse(one.data));
  });
});

$("cancel").addEventListener("click", () => {
  if (current) fetch(`/predictions/${current}/cancel`, { method: "POST" });
});
