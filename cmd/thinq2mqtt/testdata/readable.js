// What keeps somebody from reading this page, as a list of sentences.
(() => {
	const wrong = [];
	const want = (ok, text) => ok || wrong.push(text);
	want(document.documentElement.lang === "en", "no lang");
	want(document.title !== "", "no title");
	want(document.querySelectorAll("h1").length === 1, "not one h1");
	want(document.querySelectorAll("main").length === 1, "not one main");
	want(innerWidth === screen.width, `laid out for ${innerWidth} pixels, not for ${screen.width}`);
	want(document.documentElement.scrollWidth <= innerWidth, "wider than the screen");
	for (const button of document.querySelectorAll("button")) {
		const { width, height } = button.getBoundingClientRect();
		want(width >= 24 && height >= 24, `${button.id} is too small for a finger`);
		want(button.innerText.trim() !== "", `${button.id} has no name`);
	}

	const parts = colour => colour.match(/[\d.]+/g).map(Number);
	const probe = document.body.appendChild(document.createElement("i"));
	probe.style.backgroundColor = "Canvas";
	const canvas = getComputedStyle(probe).backgroundColor;
	probe.remove();
	const ground = e => {
		for (; e; e = e.parentElement) {
			const { backgroundColor } = getComputedStyle(e);
			if (parts(backgroundColor)[3] !== 0) return backgroundColor;
		}
		return canvas;
	};
	// As WCAG defines them: 4.5 is its level AA.
	const luminance = colour => {
		const [r, g, b] = parts(colour).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const contrast = (a, b) => {
		const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
		return (light + 0.05) / (dark + 0.05);
	};
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (texts.nextNode()) {
		const text = texts.currentNode, e = text.parentElement;
		if (!text.data.trim() || !e.checkVisibility()) continue;
		const style = getComputedStyle(e), ratio = contrast(style.color, ground(e));
		want(ratio >= 4.5, `contrast ${ratio.toFixed(2)}: ${text.data.trim()}`);
		want(parseFloat(style.fontSize) >= 12, `letters of ${style.fontSize}: ${text.data.trim()}`);
	}
	return wrong;
})()
