// Tells the server, a pause after a checkpoint has been drawn, that it may send the next.
export default function ({data, parentElement, setTriggerValue}) {
  const stop = () => { cancelAnimationFrame(parentElement.frame); clearTimeout(parentElement.timer); };
  stop();
  if (!data.playing) return stop;
  const once = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
  const tell = () => setTriggerValue('shown', {name: data.shown, once});
  // No frames are drawn in a background tab, so it does not play on.
  parentElement.frame = requestAnimationFrame(() => {
    parentElement.timer = setTimeout(tell, once ? 0 : data.milliseconds);
  });
  return stop;
}
