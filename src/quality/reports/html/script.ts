/** The page's only script: sorting, opening a task from a link, all tasks at once, light or dark. */
export const SCRIPT = `(() => {
const all = (selector) => [...document.querySelectorAll(selector)];
for (const button of all('th button')) button.addEventListener('click', () => {
  const head = button.closest('th');
  const body = head.closest('table').tBodies[0];
  const column = [...head.parentNode.children].indexOf(head);
  const down = head.getAttribute('aria-sort') === 'ascending';
  for (const other of head.parentNode.children) other.removeAttribute('aria-sort');
  head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
  const value = (row) => row.children[column].dataset.value ?? row.children[column].textContent;
  const numeric = head.dataset.sort !== 'text';
  body.append(...[...body.rows].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === '' || y === '') return (x === '') - (y === '');
    return (down ? -1 : 1) * (numeric ? x - y : x.localeCompare(y));
  }));
});
const open = () => {
  const target = /^#task-\\d+$/.test(location.hash) && document.querySelector(location.hash);
  if (target) { target.open = true; target.scrollIntoView(); }
};
addEventListener('hashchange', open);
for (const link of all('a[href^="#task-"]')) link.addEventListener('click', () => {
  if (link.hash === location.hash) open();
});
open();
for (const button of all('button[data-open]')) {
  button.hidden = false;
  button.addEventListener('click', () => {
    for (const task of all('details.task')) task.open = button.dataset.open === 'yes';
  });
}
const theme = document.querySelector('#theme');
theme.hidden = false;
theme.addEventListener('click', () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
});
})();`;
