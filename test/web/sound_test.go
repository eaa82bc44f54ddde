package web

import (
	"context"
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// flaws lists what keeps people out who read a page by ear, by keyboard or with
// weak eyes: a part of WCAG 2.2 that a program can see. Contrast is 1.4.3: 4.5,
// and 3 for large text.
const flaws = `(() => {
const out = [];
const seen = e => e.checkVisibility({checkOpacity: true, visibilityProperty: true});
const all = (s, in_ = document) => [...in_.querySelectorAll(s)];
const show = e => e.outerHTML.replace(/\s+/g, ' ').slice(0, 140);
if (!document.documentElement.lang) out.push('the page does not say its language');
if (!document.title.trim()) out.push('the page has no title');
if (all('h1').filter(seen).length !== 1) out.push('the page has ' + all('h1').filter(seen).length + ' h1');
if (all('main').length !== 1) out.push('the page has ' + all('main').length + ' main');
let level = 0;
for (const h of all('h1, h2, h3, h4, h5, h6').filter(seen)) {
  const l = +h.tagName[1];
  if (l > level + 1 && level) out.push('h' + level + ' is followed by ' + show(h));
  level = l;
}
const ids = {};
for (const e of all('[id]')) { if (ids[e.id]) out.push('two elements have the id ' + e.id); ids[e.id] = true; }
const named = e => (e.innerText || e.textContent || '').trim() || e.getAttribute('aria-label') || e.title ||
  (e.getAttribute('aria-labelledby') || '').split(/\s+/).some(i => i && document.getElementById(i)) || all('img[alt]:not([alt=""]), svg[aria-label], svg title', e).length;
for (const e of all('input, select, textarea')) {
  if (['hidden', 'submit', 'button', 'reset'].includes(e.type)) continue;
  if (![...e.labels || []].some(l => l.innerText.trim() || l.textContent.trim()) && !e.getAttribute('aria-label') && !e.getAttribute('aria-labelledby')) out.push('no label: ' + show(e));
}
for (const e of all('button, a[href], summary')) if (seen(e) && !named(e)) out.push('no name: ' + show(e));
for (const e of all('img:not([alt])')) out.push('no alt: ' + show(e));
for (const e of all('svg')) if (!e.closest('[aria-hidden=true]') && !named(e) && !e.closest('a, button')) out.push('no name: ' + show(e));
for (const e of all('[tabindex]')) if (+e.getAttribute('tabindex') > 0) out.push('its own order of tabs: ' + show(e));
for (const e of all('table')) if (!all('th', e).length && !e.getAttribute('role')) out.push('no heads of columns: ' + show(e));
for (const e of all('[aria-describedby], [aria-labelledby], [aria-controls]'))
  for (const a of ['aria-describedby', 'aria-labelledby', 'aria-controls'])
    for (const i of (e.getAttribute(a) || '').split(/\s+/)) if (i && !document.getElementById(i)) out.push(a + ' of nothing: ' + show(e));
const c = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
const known = {};
const rgba = s => known[s] ||= (c.clearRect(0, 0, 1, 1), c.fillStyle = '#000', c.fillStyle = s, c.fillRect(0, 0, 1, 1), [...c.getImageData(0, 0, 1, 1).data]);
const over = (f, b) => f.slice(0, 3).map((x, i) => (x * f[3] + b[i] * (255 - f[3])) / 255).concat(255);
const paper = e => { const up = []; for (; e; e = e.parentElement) { const b = rgba(getComputedStyle(e).backgroundColor); up.push(b); if (b[3] === 255) break; }
  let at = rgba(matchMedia('(prefers-color-scheme: dark)').matches ? '#121212' : '#fff'); for (const b of up.reverse()) at = over(b, at); return at; };
const light = p => { const [r, g, b] = p.map(x => (x /= 255) <= .04045 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
for (const a of document.getAnimations()) if (matchMedia('(prefers-reduced-motion: reduce)').matches && a.playState === 'running') out.push('it moves: ' + show(a.effect.target));
const told = {};
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let n; n = walk.nextNode();) {
  const e = n.parentElement;
  if (!n.data.trim() || !seen(e) || e.closest('script, style, option, [disabled], [aria-disabled=true]')) continue;
  const s = getComputedStyle(e), svg = e instanceof SVGElement, back = paper(svg ? e.closest('svg').parentElement : e);
  const ink = [...rgba(svg ? s.fill : s.color)];
  for (let o = e; o; o = o.parentElement) ink[3] *= getComputedStyle(o).opacity;
  const [x, y] = [light(over(ink, back)), light(back)].sort((a, b) => b - a);
  const ratio = (x + .05) / (y + .05), size = parseFloat(s.fontSize), large = size >= 24 || size >= 18.66 && s.fontWeight >= 700;
  if (ratio < (large ? 3 : 4.5)) { const key = ink + back + e.className; if (!told[key]) out.push('contrast ' + ratio.toFixed(2) + ' of "' + n.data.trim().slice(0, 40) + '" in ' + show(e)); told[key] = true; }
}
return out;
})()`

// sound checks the page as it stands.
func (b *tab) sound(what string) {
	b.Helper()
	for _, f := range get[[]string](b, flaws) {
		b.Errorf("%s: %s", what, f)
	}
}

// look is a way in which a page is looked at.
type look struct {
	name          string
	width, height int64
	scheme        string
}

var looks = []look{{"light", 1280, 900, "light"}, {"dark", 1280, 900, "dark"}, {"narrow", 390, 844, "light"}}

// as has the page looked at in that way.
func (b *tab) as(l look) {
	b.Helper()
	b.do("emulating "+l.name, chromedp.EmulateViewport(l.width, l.height), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
		return err
	}))
}

// wide complains of a page that must be scrolled sideways, and of cells of a
// table that lie on each other.
func (b *tab) wide(what string) {
	b.Helper()
	if over := get[[]string](b, `(() => { const out = [];
for (const tr of document.querySelectorAll('tr')) {
  const cells = [...tr.children].filter(e => e.checkVisibility() && e.textContent.trim()).map(e => [e, e.getBoundingClientRect()]);
  cells.forEach(([e, a], i) => cells.slice(i + 1).forEach(([f, b]) => {
    if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2) out.push('one cell lies on another: ' + e.innerText.slice(0, 30) + ' / ' + f.innerText.slice(0, 30));
  }));
  for (const [e, a] of cells) if (a.width < 9 && e.textContent.trim().length > 3) out.push('a cell has no room: ' + e.textContent.slice(0, 30));
}
if (out.length) return out.slice(0, 4);
const w = document.documentElement.clientWidth;
if (document.documentElement.scrollWidth <= w + 1) return [];
return [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > w + 1 && !e.closest('.scroll, pre, svg, nav')).slice(0, 4).map(e => e.outerHTML.slice(0, 120)); })()`); len(over) > 0 {
		b.Errorf("%s does not fit the window: %s", what, strings.Join(over, fmt.Sprintln()))
	}
}

// withoutScript turns JavaScript of the pages off.
func (b *tab) withoutScript() {
	b.Helper()
	b.still = true
	b.do("turning scripts off", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
}
