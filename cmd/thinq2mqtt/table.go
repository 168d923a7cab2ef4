package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// tableWidth is what a usual terminal shows of a line.
const tableWidth = 120

// table prints for people every property of every appliance with what became of
// it, the entities beyond, and what LG's files say that cannot be so.
func (r *rehearsal) table() error {
	w := &failing{w: r.out.w}
	for _, m := range r.appliances {
		r.learn(m, m.first)
		r.meter(m)
		for _, d := range m.devices {
			r.explain(w, m, d)
		}
		fmt.Fprintf(w, "energy: %s\n\n", m.energy)
		listed(w, "left out of the profile, or not understood", m.profile.Problems)
		listed(w, "in the state, and not as the profile says", m.odd)
	}
	return w.err
}

// failing keeps the first error of a writer.
type failing struct {
	w   io.Writer
	err error
}

func (f *failing) Write(p []byte) (n int, err error) {
	if f.err != nil {
		return 0, f.err
	}
	n, f.err = f.w.Write(p)
	return n, f.err
}

// explain prints the tables of one device.
func (r *rehearsal) explain(w io.Writer, m *rehearsed, d *discovery.Device) {
	entities := map[string]discovery.Entity{}
	for _, e := range d.Entities {
		if e.Platform != discovery.Silent {
			entities[e.Key] = e
		}
	}
	fmt.Fprintf(w, "%s: %q, %s %s, %s\n\n", d.Slug, d.Name, d.Type, d.Model, counted(len(entities), "entity", "entities"))
	properties := sheet{{"PROPERTY", "TYPE", "NOW", "ENTITY"}}
	own := map[string]bool{"": true}
	for _, c := range d.Coverage() {
		p, _ := m.profile.Property(c.Path)
		if c.Attr == c.Entity {
			own[c.Entity] = true
		}
		properties = append(properties, []string{c.Path.String(), typeOf(p), valueOf(m.state, c.Path), fateOf(c, entities[c.Entity])})
	}
	properties.print(w)
	sources := d.Sources(m.profile, m.state, r.at)
	made := sheet{{"FURTHER ENTITY", "FOLLOWS"}}
	for _, e := range d.Entities {
		if e.Platform != discovery.Silent && !own[e.Key] {
			made = append(made, []string{string(e.Platform) + " " + e.Key, originOf(e, sources[e.Key])})
		}
	}
	made.print(w)
}

// fateOf says what became of a property: its entity, the entity that shows it
// and by which attribute, or why there is none.
func fateOf(c discovery.Coverage, e discovery.Entity) string {
	switch {
	case c.Entity == "" && c.Attr == "":
		return "none: " + c.Why
	case c.Entity == "":
		return "none, only " + c.Attr + ": " + c.Why
	case c.Attr == "" || c.Attr == c.Entity:
		return string(e.Platform) + " " + c.Entity
	}
	return string(e.Platform) + " " + c.Entity + ", as " + c.Attr
}

// originOf says what an entity follows that is no single property.
func originOf(e discovery.Entity, sources []thinq.Path) string {
	switch {
	case len(sources) > 0:
	case e.Platform == discovery.EventEntity:
		return "notifications of the appliance"
	case e.Config["device_class"] == "energy":
		return "the energy meter that LG keeps"
	default:
		return "what the bridge knows of the appliance"
	}
	names := make([]string, len(sources))
	for i, p := range sources {
		names[i] = p.String()
	}
	return strings.Join(names, ", ")
}

// typeOf is a property's type and rights in short: "enum rw".
func typeOf(p thinq.Property) string {
	if p.Type == "" {
		return "not listed"
	}
	rights := ""
	if p.Readable {
		rights += "r"
	}
	if p.Writable {
		rights += "w"
	}
	return strings.TrimSpace(string(p.Type) + " " + rights)
}

// maxShown is how much of a value is shown.
const maxShown = 16

func valueOf(s thinq.State, p thinq.Path) string {
	text := "-"
	if v := s[p]; v != nil {
		text = fmt.Sprint(v)
	}
	if runes := []rune(text); len(runes) > maxShown {
		return string(runes[:maxShown-1]) + "…"
	}
	return text
}

func counted(n int, one, many string) string {
	if n == 1 {
		many = one
	}
	return fmt.Sprint(n, " ", many)
}

// listed prints findings under a heading, if there are any.
func listed(w io.Writer, heading string, findings []string) {
	if len(findings) == 0 {
		return
	}
	fmt.Fprintf(w, "%s:\n", heading)
	for _, f := range findings {
		for i, line := range wrapped("  - "+shown(f), tableWidth-4) {
			fmt.Fprintln(w, strings.Repeat(" ", min(i, 1)*4)+line)
		}
	}
	fmt.Fprintln(w)
}

// A sheet is rows of equally many columns; the first row is their headings.
type sheet [][]string

// print aligns the columns. The last one goes on in further lines where it does
// not fit.
func (s sheet) print(w io.Writer) {
	if len(s) < 2 {
		return
	}
	for _, row := range s {
		for i, cell := range row {
			row[i] = shown(cell)
		}
	}
	last := len(s[0]) - 1
	widths := make([]int, last)
	left := 0
	for i := range widths {
		longest := slices.MaxFunc(s, func(a, b []string) int {
			return cmp.Compare(utf8.RuneCountInString(a[i]), utf8.RuneCountInString(b[i]))
		})
		widths[i] = utf8.RuneCountInString(longest[i]) + 2
		left += widths[i]
	}
	for _, row := range s {
		for i, line := range wrapped(row[last], max(tableWidth-left, 30)) {
			for column, width := range widths {
				cell := ""
				if i == 0 {
					cell = row[column]
				}
				fmt.Fprintf(w, "%-*s", width, cell)
			}
			fmt.Fprintln(w, line)
		}
	}
	fmt.Fprintln(w)
}

// wrapped breaks a text into lines, between words.
func wrapped(text string, width int) []string {
	var lines []string
	for utf8.RuneCountInString(text) > width {
		at := strings.LastIndexByte(string([]rune(text)[:width+1]), ' ')
		if at <= 0 || strings.TrimSpace(text[:at]) == "" {
			break
		}
		lines, text = append(lines, text[:at]), text[at+1:]
	}
	return append(lines, text)
}
