// Reading needs none of this: it adds the filter and the copy buttons.
const filter = document.querySelector(".filter");
const words = filter.querySelector("input[type=search]");
const boxes = [...filter.querySelectorAll("input[type=checkbox]")];
const count = filter.querySelector("output");
const entries = [...document.querySelectorAll("[data-verdicts]")];

function apply() {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdicts = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    for (const notes of document.querySelectorAll(".notes")) {
        notes.open ||= wanted.length > 0; // what is looked for may be in there
    }
    let shown = 0;
    for (const entry of entries) {
        const text = entry.dataset.words;
        const fits = entry.dataset.verdicts.split(" ").some((verdict) => verdicts.has(verdict))
            && wanted.every((word) => text.includes(word));
        entry.toggleAttribute("data-filtered", !fits);
        shown += fits;
    }
    count.textContent = `${shown} of ${entries.length} shown`;
}

for (const sql of document.querySelectorAll("pre.sql")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy SQL";
    button.addEventListener("click", async () => {
        try {
            await navigator.clipboard.writeText(sql.textContent);
            button.textContent = "Copied";
        } catch {
            getSelection().selectAllChildren(sql); // no clipboard for pages opened from a file
            button.textContent = "Selected: press Ctrl+C";
        }
    });
    sql.before(button);
}
filter.hidden = false;
filter.addEventListener("input", apply);
apply();
