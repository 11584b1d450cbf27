"use strict";

const show = (id, text) => { document.getElementById(id).textContent = text; };

const events = new EventSource("/events");
events.onmessage = (event) => show("event", event.data);
events.onerror = () => show("event", "flux interrompu");

const socket = new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}/ws`);
socket.onopen = () => show("state", "ouvert");
socket.onclose = () => show("state", "fermé");
socket.onmessage = (event) => {
  const line = document.createElement("li");
  line.textContent = event.data;
  document.getElementById("answers").append(line);
};

document.getElementById("echo").addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket.readyState === WebSocket.OPEN) socket.send(document.getElementById("text").value);
});
