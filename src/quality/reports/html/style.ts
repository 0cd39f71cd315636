const LIGHT =
  'color-scheme:light;--bg:#f4f6f9;--card:#fff;--text:#17202c;--muted:#566273;--line:#dde3eb;--soft:#eef2f7;--cand:#1d5fd1;--ref:#6b7686;--pass:#0f7a55;--marginal:#8f5b00;--fail:#b3261e;--inconclusive:#5d4aa6;--hit:#fdecea;--hit-edge:#d9645b;--mutant:#fff4dc;--mutant-edge:#c98a10;--ok:#e6f4ee';
const DARK =
  'color-scheme:dark;--bg:#0e131a;--card:#161d27;--text:#e5ebf3;--muted:#9ba9bb;--line:#2a3544;--soft:#1d2632;--cand:#75a7ff;--ref:#a3b0c2;--pass:#4fc795;--marginal:#e5b350;--fail:#ff8a80;--inconclusive:#bcaaff;--hit:#3a1d1f;--hit-edge:#e0665e;--mutant:#352a12;--mutant-edge:#d9a033;--ok:#14332a';

/** The page's style sheet. */
export const STYLE = `:root{${LIGHT}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
:root[data-theme=light]{${LIGHT}}
:root[data-theme=dark]{${DARK}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--bg);color:var(--text);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif}
main,header.top,footer{max-width:1180px;margin:0 auto;padding:0 24px}
header.top{display:flex;justify-content:space-between;align-items:center;gap:12px;padding-top:20px;padding-bottom:14px}
.brand{font-weight:650;letter-spacing:.01em}.brand span{color:var(--muted);font-weight:400}
h1{font-size:26px;line-height:1.25;margin:0 0 6px;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:18px;margin:38px 0 12px}
h3{font-size:13px;margin:22px 0 8px;color:var(--muted);font-weight:650}
p{margin:0 0 10px}a{color:var(--cand);text-underline-offset:2px}
code,pre,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:12.5px}
.muted{color:var(--muted)}.nowrap,td.num,th.num{white-space:nowrap}
button{font:inherit;color:inherit;cursor:pointer}
.tool{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:5px 12px;font-size:13.5px}
.tool:hover{border-color:var(--muted)}
:focus-visible{outline:3px solid var(--cand);outline-offset:2px;border-radius:4px}
.banner{background:var(--card);border:1px solid var(--line);border-left:8px solid var(--state);border-radius:14px;padding:26px 28px;display:grid;grid-template-columns:minmax(0,1.25fr) minmax(0,1fr);gap:12px 36px;align-items:center}
.banner.pass{--state:var(--pass)}.banner.marginal{--state:var(--marginal)}.banner.fail{--state:var(--fail)}.banner.inconclusive,.banner.partial{--state:var(--inconclusive)}.state{border-color:currentColor}.chip.pass,g.pass{--state:var(--pass);color:var(--state)}.chip.marginal,g.marginal{--state:var(--marginal);color:var(--state)}.chip.fail,g.fail{--state:var(--fail);color:var(--state)}.chip.inconclusive,.chip.partial,g.inconclusive,g.partial{--state:var(--inconclusive);color:var(--state)}
.word{display:block;font-size:46px;line-height:1.05;font-weight:780;letter-spacing:-.02em;color:var(--state);margin-bottom:10px}
.lead{font-size:17px;font-weight:400;line-height:1.45;margin:0;overflow-wrap:anywhere}
.banner ul{margin:12px 0 0;padding-left:18px}.banner li{margin:3px 0;overflow-wrap:anywhere}
.strict{margin:12px 0 0;color:var(--muted);font-size:14px}
figure{margin:0}figcaption{color:var(--muted);font-size:13px;text-align:center}
.ratio{display:block;width:100%;height:auto;max-width:520px;margin:0 auto}
.ratio text{fill:var(--muted);font-size:12.5px}.ratio .line-label{font-weight:650}.ratio .point-label{fill:var(--state);font-size:15px;font-weight:700}
.zone-fail{fill:var(--fail);opacity:.13}.zone-marginal{fill:var(--marginal);opacity:.22}.zone-pass{fill:var(--pass);opacity:.16}
.ratio .line{stroke:var(--muted);stroke-width:1.2;stroke-dasharray:3 3}.axis{stroke:var(--line);stroke-width:1.5}
.bounds{stroke:var(--state);stroke-width:3;stroke-linecap:round}.point{fill:var(--state);stroke:var(--card);stroke-width:2.5}
.tiles{display:grid;grid-template-columns:repeat(4,1fr);gap:14px;margin:16px 0 0;padding:0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:14px 18px}
.tile dt{color:var(--muted);font-size:13px}.tile dd{margin:2px 0 0}
.tile .big{display:block;font-size:26px;font-weight:700;letter-spacing:-.01em;line-height:1.3;font-variant-numeric:tabular-nums}
.tile small{display:block;color:var(--muted);font-size:13px;line-height:1.45}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:18px 20px}
.legend{display:flex;flex-wrap:wrap;gap:6px 22px;color:var(--muted);font-size:13.5px;margin-bottom:10px}
.legend i{display:inline-block;width:11px;height:11px;border-radius:50%;margin-right:7px;vertical-align:-1px;background:var(--cand)}
.legend i.ring{background:none;border:2px solid var(--ref)}
.dots{list-style:none;margin:0;padding:0}
.dots li{display:grid;grid-template-columns:minmax(110px,22%) 1fr;gap:14px;align-items:center;min-height:26px}
.dots li:hover{background:var(--soft)}
.dots a{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;color:inherit;text-decoration:none;font-size:14px}.dots a:hover{text-decoration:underline}
.track{display:block;width:100%;height:22px;overflow:visible}
.rail{stroke:var(--line);stroke-width:1.5}.gap{stroke:var(--pass);stroke-width:3;opacity:.55}.gap.behind{stroke:var(--fail)}
.cand{fill:var(--cand)}.ref{fill:var(--card);stroke:var(--ref);stroke-width:2}.none{fill:var(--muted);font-size:12.5px;font-style:italic}
.dots li.scale{min-height:18px}.dots li.scale:hover{background:none}
.scale-marks{display:flex;justify-content:space-between;padding:0 calc(2% - 3px);color:var(--muted);font-size:12px}.scale-marks i{font-style:normal}
.hists{display:grid;grid-template-columns:repeat(auto-fit,minmax(220px,1fr));gap:14px}.hist{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:12px 14px}.hist svg{display:block;width:100%;height:auto;max-height:120px}.hist-bar{fill:var(--cand);opacity:.8}.hist-ref{stroke:var(--ref);stroke-width:2.5}.tick{fill:var(--muted);font-size:11px}
.trend{display:block;width:100%;min-width:560px;height:auto}.over-time{overflow-x:auto}.trend .line{stroke:var(--muted);stroke-width:1;stroke-dasharray:3 3}.trend-line{fill:none;stroke:var(--ref);stroke-width:1.5}
h3.who{display:flex;flex-wrap:wrap;gap:4px 8px;align-items:center;margin:22px 0 6px;padding-top:14px;border-top:1px solid var(--line);color:var(--text);font-size:15px}
.heat.h0{background:color-mix(in srgb,var(--fail) 22%,transparent)}.heat.h1{background:color-mix(in srgb,var(--fail) 12%,transparent)}.heat.h2{background:color-mix(in srgb,var(--marginal) 14%,transparent)}.heat.h3{background:color-mix(in srgb,var(--marginal) 7%,transparent)}.heat.h4{background:color-mix(in srgb,var(--pass) 9%,transparent)}.heat.h5{background:color-mix(in srgb,var(--pass) 18%,transparent)}
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:12px}
table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}
th,td{padding:8px 10px;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
tbody tr:last-child>*{border-bottom:0}thead th{color:var(--muted);font-weight:600;font-size:13px;background:var(--soft);vertical-align:bottom}
tbody th{font-weight:550;min-width:150px;overflow-wrap:anywhere}td.num,th.num{text-align:right}tbody tr:hover{background:var(--soft)}
table.wrapped thead th{white-space:normal}table.wrapped tbody th{min-width:210px}
th button{background:none;border:0;padding:0;font:inherit;text-align:inherit}
th button::after{content:"↕";opacity:.45;margin-left:5px;font-size:11px}th[aria-sort=ascending] button::after{content:"↑";opacity:1}th[aria-sort=descending] button::after{content:"↓";opacity:1}
.chip{display:inline-block;border:1px solid var(--line);background:var(--soft);border-radius:99px;padding:0 9px;font-size:12.5px;line-height:20px;white-space:nowrap;margin:1px 4px 1px 0}
.chip.warn{border-color:var(--marginal);color:var(--marginal);background:none}.chip.bad{border-color:var(--fail);color:var(--fail);background:none}.chip.good{border-color:var(--pass);color:var(--pass);background:none}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:16px}.two>*{min-width:0}
.bar-row{display:flex;gap:8px;align-items:center;justify-content:space-between;flex-wrap:wrap;margin-top:38px;margin-bottom:12px}.bar-row h2{margin:0}.bar-row div{display:flex;gap:8px}
details.task{background:var(--card);border:1px solid var(--line);border-radius:12px;margin:0 0 10px;scroll-margin-top:12px}
details.task>summary{display:flex;flex-wrap:wrap;gap:4px 12px;align-items:center;padding:12px 18px;cursor:pointer;list-style:none}
details.task>summary::-webkit-details-marker{display:none}
details.task>summary::before{content:"▸";color:var(--muted);width:12px}details.task[open]>summary::before{content:"▾"}
details.task[open]>summary{border-bottom:1px solid var(--line)}
summary h3{display:inline;margin:0;color:var(--text);font-size:15px;overflow-wrap:anywhere}
summary .scores{margin-left:auto;font-variant-numeric:tabular-nums;white-space:nowrap}summary .scores b{font-size:17px;color:var(--cand)}
.inside{padding:2px 18px 20px}.inside h4{font-size:13px;margin:20px 0 8px;color:var(--muted);font-weight:650;overflow-wrap:anywhere}
.parts{display:grid;grid-template-columns:repeat(auto-fit,minmax(220px,1fr));gap:8px 24px;margin:16px 0 0}
.part dt{font-size:13px;color:var(--muted)}.part dd{margin:0;display:flex;gap:10px;align-items:center;font-variant-numeric:tabular-nums;white-space:nowrap}
.bar{flex:1;height:12px;border-radius:6px;overflow:hidden;min-width:60px}.bar-rail{fill:var(--line)}.bar-fill{fill:var(--cand)}.part-ref{stroke:var(--text);stroke-width:3}
.facts{margin:12px 0 0;padding:0;list-style:none;color:var(--muted);font-size:14px}.facts li{overflow-wrap:anywhere}
.items{list-style:none;margin:0;padding:0;font-size:14px;columns:2 420px;column-gap:28px}.items li{padding:3px 0 3px 24px;position:relative;break-inside:avoid;overflow-wrap:anywhere}
.items li::before{position:absolute;left:2px;font-weight:700}.items .good::before{content:"✓";color:var(--pass)}.items .bad::before{content:"✗";color:var(--fail)}.items .doubtful::before{content:"≈";color:var(--marginal)}.items .neutral::before{content:"–";color:var(--muted)}
.items em{font-style:normal;color:var(--muted)}.items pre{margin:2px 0 0;white-space:pre-wrap;color:var(--fail);font-size:12px}
pre.code{margin:0;padding:10px 0;background:var(--soft);border:1px solid var(--line);border-radius:10px;overflow:auto;max-height:620px;line-height:1.5;tab-size:2;counter-reset:n;white-space:pre-wrap;overflow-wrap:anywhere}
pre.code>span{display:block;padding:0 12px 0 52px;position:relative;min-height:1.5em}
pre.code .l::before{counter-increment:n;content:counter(n);position:absolute;left:0;width:38px;text-align:right;color:var(--muted);opacity:.8}
pre.code .u{background:var(--hit);box-shadow:inset 4px 0 var(--hit-edge)}
pre.code .m{background:var(--mutant);box-shadow:inset 4px 0 var(--mutant-edge);color:var(--text)}pre.code .m b{color:var(--marginal)}
pre.code .m del{color:var(--fail)}pre.code .m ins{color:var(--pass);text-decoration:none;font-weight:650}
.key{font-size:12.5px;color:var(--muted);margin:6px 0 0}.key b{display:inline-block;width:12px;height:12px;border-radius:3px;vertical-align:-1px;margin:0 5px 0 0;border:1px solid}.key b.u{background:var(--hit);border-color:var(--hit-edge)}.key b.m{background:var(--mutant);border-color:var(--mutant-edge)}.key span{margin-right:14px}
details.more{margin-top:16px}details.more summary{cursor:pointer;color:var(--cand);font-size:14px}details.more pre{margin-top:8px}
.error{color:var(--fail);overflow-wrap:anywhere}
footer{color:var(--muted);font-size:13.5px;padding-top:18px;padding-bottom:40px;overflow-wrap:anywhere}footer ul{padding-left:18px}footer dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 18px}footer dd{margin:0}
@media (max-width:760px){main,header.top,footer{padding-left:14px;padding-right:14px}.banner{grid-template-columns:minmax(0,1fr);padding:20px 18px}.word{font-size:38px}h1{font-size:21px}.tiles{grid-template-columns:1fr 1fr;gap:10px}.tile{padding:12px 14px}.tile .big{font-size:21px}.dots li{grid-template-columns:minmax(90px,40%) 1fr}summary .scores{margin-left:24px;width:100%}.card{padding:14px}.inside{padding:2px 12px 16px}}
@media print{:root,:root[data-theme]{${LIGHT}}body{background:#fff;font-size:11pt}.tool,.key-help{display:none}.banner,.tile,.card,.hist,details.task,tr{break-inside:avoid}h2,h3{break-after:avoid}table{font-size:8.5pt}th,td{padding:4px 6px}thead th,th.num{white-space:normal}tbody th{min-width:90px}details.task[open]{break-inside:auto}pre.code{max-height:none}.scroll{overflow:visible}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}`;
