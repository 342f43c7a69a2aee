// What tests/support/contrast.py asks a page; evaluated in it once, as `window.sight`.
(() => {
  const shown = (element, options = {}) => element.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true, ...options });

  // The part of a box that is in sight inside every element around it that cuts off or scrolls.
  const inside = (box, element) => {
    let { left, top, right, bottom } = box;
    for (let up = element; up && up !== document.documentElement; up = up.parentElement) {
      const style = getComputedStyle(up);
      if (up === document.body || (style.overflowX === "visible" && style.overflowY === "visible")) continue;
      const edge = up.getBoundingClientRect(), x = edge.left + up.clientLeft, y = edge.top + up.clientTop;
      left = Math.max(left, x);
      top = Math.max(top, y);
      right = Math.min(right, x + up.clientWidth);
      bottom = Math.min(bottom, y + up.clientHeight);
    }
    return [left, top, right, bottom];
  };

  // Where an element's text can stand: without its border, its padding and its round corners.
  const within = (element) => {
    const edge = element.getBoundingClientRect(), style = getComputedStyle(element), side = (name) => parseFloat(style[name]) || 0;
    return {
      left: edge.left + side("borderLeftWidth") + side("paddingLeft"),
      top: edge.top + side("borderTopWidth") + side("paddingTop"),
      right: edge.right - side("borderRightWidth") - side("paddingRight"),
      bottom: edge.bottom - side("borderBottomWidth") - side("paddingBottom"),
    };
  };

  // Where the words of a style sheet stand: before or above what is in the element, or behind or below it.
  const beside = (element, side, box) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const lines = [...range.getClientRects()].filter((each) => each.width && each.height);
    if (!lines.length) return box;
    if (side === "::before") {
      const first = lines[0], bottom = first.left - box.left > 4 ? first.bottom : first.top;
      return { ...box, right: bottom === first.top ? box.right : first.left, bottom: Math.max(bottom, box.top + 4) };
    }
    const last = lines.at(-1), edge = element.lastElementChild?.getBoundingClientRect();
    // What is around the last words, such as the rim of a key, is not behind what follows them.
    const right = edge && edge.top <= last.top && edge.bottom >= last.bottom ? Math.max(edge.right, last.right) : last.right;
    const top = box.right - right > 4 ? last.top : last.bottom;
    return { ...box, left: top === last.bottom ? box.left : right, top: Math.min(top, box.bottom - 4) };
  };

  const about = (element, text, boxes, style) => {
    let opacity = 1;
    for (let up = element; up; up = up.parentElement) opacity *= Number(getComputedStyle(up).opacity);
    const size = parseFloat(style.fontSize), bold = Number(style.fontWeight) >= 700;
    return {
      text: text.trim().slice(0, 60),
      colour: element instanceof SVGElement ? style.fill : style.color,
      opacity,
      large: size >= 24 || (bold && size >= 18.66),
      boxes: boxes.map((box) => inside(box, element)).filter((box) => box[2] - box[0] > 2 && box[3] - box[1] > 2),
    };
  };

  const name = (element) => !element || element === document.body ? "" :
    `${element.tagName.toLowerCase()}${element.id && "#" + element.id} ` +
    `"${(element.ariaLabel || element.textContent || "").trim().replace(/\s+/g, " ").slice(0, 40)}"`;

  const focusable = `a[href], area[href], button, input:not([type=hidden]), select, textarea, summary, iframe, audio[controls],
    video[controls], [tabindex], [contenteditable=true]`;
  let reach = [], marks = [], focused = null, blank = null, own = null;

  // What can be used now: a dialog keeps everything else from being used.
  const top = () => document.querySelector("dialog:modal") ?? document.body;

  window.sight = {
    // Every piece of text that is shown: where it is in the window, its colour, and whether it counts as large. What a style sheet
    // or a field shows has no text node: there the whole element counts. What cannot be used may be dim.
    texts() {
      // What is selected has colours of its own.
      getSelection().removeAllRanges();
      const usable = (element) => shown(element, { opacityProperty: true }) && !element.closest(":disabled, [aria-disabled=true]");
      const found = [];
      const walker = document.createTreeWalker(top(), NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        if (!node.data.trim() || !usable(node.parentElement)) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        found.push(about(node.parentElement, node.data, [...range.getClientRects()], getComputedStyle(node.parentElement)));
      }
      for (const element of top().querySelectorAll("*")) {
        if (!usable(element)) continue;
        const box = [within(element)];
        if (element.matches("input:not([type=checkbox], [type=radio], [type=range]), textarea, select")) {
          const hint = !element.value && element.placeholder;
          // The arrow of a list is no ground of its text.
          const text = element.matches("select") ? element.selectedOptions[0]?.text : element.value || element.placeholder;
          const size = element.matches("select") ? 2 * parseFloat(getComputedStyle(element).fontSize) : 0;
          const place = { left: box[0].left, top: box[0].top, right: box[0].right - size, bottom: box[0].bottom };
          found.push(about(element, text || "(empty)", [place], getComputedStyle(element, hint ? "::placeholder" : null)));
        }
        for (const side of ["::before", "::after"]) {
          const style = getComputedStyle(element, side);
          const words = style.content.startsWith('"') ? style.content.slice(1, -1) : "";
          if (/[\p{L}\p{N}]/u.test(words) && style.display !== "none") found.push(about(element, words, [beside(element, side, box[0])], style));
        }
      }
      return found.filter((each) => each.boxes.length);
    },

    // A style sheet that a script makes is the page's own as far as its policy goes; an inline one would be refused.
    hide() {
      blank ??= new CSSStyleSheet();
      // Where the system forces colours it lets only its own be: there texts are as clear as what they nearly all stand on.
      const clear = matchMedia("(forced-colors: active)").matches ? "Canvas" : "transparent";
      blank.replaceSync(`
        *, *::before, *::after, *::placeholder, *::marker { color: ${clear} !important; text-shadow: none !important;
          -webkit-text-fill-color: ${clear} !important; text-decoration-color: ${clear} !important;
          caret-color: ${clear} !important; outline-color: ${clear} !important; transition: none !important; }
        :is(text, tspan):not(#no#such) { fill: transparent !important; stroke: none !important; }`);
      document.adoptedStyleSheets = [...document.adoptedStyleSheets, blank];
    },

    unhide() {
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((sheet) => sheet !== blank);
    },

    // Colours in any notation as red, green, blue and alpha up to 255.
    plain(colours) {
      const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
      return colours.map((colour) => {
        context.clearRect(0, 0, 1, 1);
        context.fillStyle = colour;
        context.fillRect(0, 0, 1, 1);
        return [...context.getImageData(0, 0, 1, 1).data];
      });
    },

    cut() {
      const found = [], wide = document.documentElement.scrollWidth;
      if (wide > innerWidth) found.push(`the page is ${wide} wide in a window of ${innerWidth}`);
      for (const element of top().querySelectorAll("*")) {
        const box = element.getBoundingClientRect();
        if (box.right <= innerWidth + 1 || box.width < 2 || !shown(element)) continue;
        let up = element.parentElement;
        while (up && !["auto", "scroll"].includes(getComputedStyle(up).overflowX)) up = up.parentElement;
        if (!up) found.push(`${name(element)} ends at ${Math.round(box.right)}`);
      }
      return found;
    },

    // Texts of which a part can never be seen: beyond the edge of what cuts it off (with `paper`, also of what only scrolls).
    clipped(paper) {
      const cuts = paper ? ["hidden", "clip", "auto", "scroll"] : ["hidden", "clip"], found = [];
      for (const element of document.body.querySelectorAll("*")) {
        if (element.matches("input, select, textarea") || element.clientWidth < 2 || !shown(element)) continue;
        if (!element.innerText?.trim()) continue;
        const style = getComputedStyle(element);
        const wide = cuts.includes(style.overflowX) && element.scrollWidth > element.clientWidth + 1;
        const high = cuts.includes(style.overflowY) && element.scrollHeight > element.clientHeight + 1;
        if (!wide && !high) continue;
        const [inner, outer] = [[element.clientWidth, element.clientHeight], [element.scrollWidth, element.scrollHeight]];
        found.push(`${name(element)} shows ${inner.join(" x ")} of ${outer.join(" x ")}`);
      }
      return found;
    },

    // As with a style sheet of the reader's own.
    restyle(rules) {
      own ??= new CSSStyleSheet();
      own.replaceSync(rules);
      document.adoptedStyleSheets = [...document.adoptedStyleSheets.filter((sheet) => sheet !== own), own];
    },

    sky() {
      const sides = ["::before", "::after"].filter((side) => {
        const style = getComputedStyle(document.body, side);
        return style.display !== "none" && style.content !== "none";
      });
      return sides.map((side) => `there is a sky: ${side}`);
    },

    // The chosen, current or pressed ones among others, by name.
    marked() {
      marks = [];
      for (const state of ["aria-current", "aria-selected", "aria-pressed"]) {
        for (const element of top().querySelectorAll(`[${state}]:not([${state}=false])`)) {
          if (shown(element) && element.matches("a, button, [role]")) marks.push([element, state, element.getAttribute(state)]);
        }
      }
      return marks.map(([element]) => name(element));
    },

    // As if one of them was like the others, or as it is.
    mark([at, on]) {
      const [element, state, value] = marks[at];
      element.scrollIntoView({ block: "center" });
      if (on) element.setAttribute(state, value);
      else element.removeAttribute(state);
      const box = element.getBoundingClientRect();
      return [box.left, box.top, box.width, box.height];
    },

    // How much Tab must come to, in the order of the document: of radio buttons that belong together only one.
    begin() {
      if (document.activeElement !== document.body) {
        // Tab begins where this element was, not behind what has the focus.
        const start = document.createElement("button");
        top().prepend(start);
        start.focus({ preventScroll: true });
        start.remove();
      }
      const groups = new Set();
      reach = [...top().querySelectorAll(focusable)].filter((element) => {
        if (element.matches(":disabled, [tabindex='-1'], [inert] *") || !shown(element)) return false;
        if (element.type !== "radio" || !element.name) return true;
        const group = [...document.getElementsByName(element.name)];
        if (element !== (group.find((each) => each.checked) ?? group[0]) || groups.has(element.name)) return false;
        groups.add(element.name);
        return true;
      });
      return reach.length;
    },

    // What has the focus: its place among what Tab must come to, and whether something lies over it.
    focus() {
      const element = document.activeElement, box = element.getBoundingClientRect(), parent = element.parentElement;
      const over = document.elementFromPoint(box.left + Math.min(box.width, innerWidth) / 2, box.top + box.height / 2);
      const covered = over && box.height < innerHeight && !element.contains(over) && !over.contains(element)
        && !element.closest("label")?.contains(over);
      return {
        at: reach.indexOf(element),
        name: name(element),
        scrolls: element.scrollHeight > element.clientHeight + 1 || element.scrollWidth > element.clientWidth + 1,
        covered: covered ? name(over) || "something" : "",
        like: `${element.tagName}.${element.className} in ${parent?.tagName}.${parent?.className}`,
        box: [box.left, box.top, box.width, box.height],
        window: [innerWidth, innerHeight],
      };
    },

    blur() {
      focused = document.activeElement;
      focused.blur();
    },

    unblur() {
      focused.focus({ preventScroll: true, focusVisible: true });
    },

    missed(order) {
      return reach.filter((_, at) => !order.includes(at)).map(name);
    },
  };
})();
