package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const faultsPage = "../../deploy/faults.md"

// A faultRow is a row of the page: a fault or a control.
type faultRow struct{ number, what, answer, tests string }

// faultTables are the rows of the page, and the numbers that it excuses: from
// having a test, and from having one that shows all of it.
func faultTables(page string) (rows []faultRow, none, part []string) {
	excused := &part
	for line := range strings.Lines(page) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case strings.HasPrefix(line, "## What no test carries"):
			excused = &none
		case len(cells) < 3 || !anyNumber.MatchString(cells[1]):
		case len(cells) == 6:
			rows = append(rows, faultRow{cells[1], cells[2], cells[3], cells[4]})
		default:
			*excused = append(*excused, cells[1])
		}
	}
	return rows, none, part
}

var (
	anyNumber    = regexp.MustCompile(`^(F-\d{3}|S-\d{2}|S-MQTT-\d)$`)
	numberedTest = regexp.MustCompile(`(?m)^func (Test(?:F\d{3}|S\d{2}|SMQTT\d)\w*)\(`)
	oneNumber    = regexp.MustCompile(`(F)(\d{3})|(S)(\d{2})|(S)(MQTT)(\d)`)
)

// numbersIn are those that a test's name carries, one after the other or with
// words between.
func numbersIn(name string) (numbers []string) {
	for _, at := range oneNumber.FindAllStringIndex(name, -1) {
		if before := name[at[0]-1]; before < 'A' || before > 'Z' { // TLS12 is none
			found := oneNumber.FindStringSubmatch(name[at[0]:at[1]])[1:]
			numbers = append(numbers, strings.Join(slices.DeleteFunc(found, func(s string) bool { return s == "" }), "-"))
		}
	}
	return numbers
}

// numberedTests are the tests of the tree by the numbers in their names.
func numberedTests(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		for _, m := range numberedTest.FindAllStringSubmatch(read(t, path), -1) {
			for _, number := range numbersIn(m[1]) {
				found[number] = append(found[number], m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for number, tests := range found {
		slices.Sort(tests)
		found[number] = slices.Compact(tests)
	}
	return found
}

// allNumbers are those that the page must have.
func allNumbers() (all []string) {
	for n := range 109 {
		all = append(all, fmt.Sprintf("F-%03d", n+1))
	}
	for n := range 48 {
		all = append(all, fmt.Sprintf("S-%02d", n+1))
	}
	return append(all, "S-MQTT-1", "S-MQTT-2")
}

// Every fault and every control stands on the page, in words.
func TestEveryNumberIsCarried(t *testing.T) {
	t.Parallel()
	page := read(t, faultsPage)
	rows, none, part := faultTables(page)
	tests := numberedTests(t)
	var numbers []string
	for _, r := range rows {
		numbers = append(numbers, r.number)
		if r.what == "" || r.answer == "" {
			t.Errorf("%s says nothing", r.number)
		}
	}
	slices.Sort(numbers)
	if want := allNumbers(); !slices.Equal(numbers, want) {
		t.Errorf("the page has the numbers\n%q\nwant\n%q", numbers, want)
	}
	checkExcuses(t, tests, none, part)
	checkTests(t, page, rows, tests)
}

// Of the faults, seven at most may be without a test; of the controls, none.
const mostHoles = 7

// checkExcuses compares the numbers that no test carries with those that the
// page excuses.
func checkExcuses(t *testing.T, tests map[string][]string, none, part []string) {
	t.Helper()
	holes := slices.DeleteFunc(allNumbers(), func(n string) bool { return len(tests[n]) > 0 })
	if !slices.Equal(holes, none) {
		t.Errorf("no test carries\n%q\nand the page excuses\n%q", holes, none)
	}
	if len(holes) > mostHoles || slices.ContainsFunc(holes, func(n string) bool { return n[0] == 'S' }) {
		t.Errorf("%d holes: %q", len(holes), holes)
	}
	for _, n := range part {
		if len(tests[n]) == 0 {
			t.Errorf("%s has no test at all", n)
		}
	}
}

// checkTests compares the last column with the tests that there are, or writes it.
func checkTests(t *testing.T, page string, rows []faultRow, tests map[string][]string) {
	t.Helper()
	for _, r := range rows {
		list := ""
		if all := tests[r.number]; len(all) > 0 {
			list = "`" + strings.Join(all, "`, `") + "`"
		}
		delete(tests, r.number)
		if list == r.tests {
			continue
		}
		if !*update {
			t.Errorf("%s is carried by %s and not by %s; write it anew with -update", r.number, list, r.tests)
		}
		line := func(tests string) string {
			return "| " + strings.Join([]string{r.number, r.what, r.answer, tests}, " | ") + " |\n"
		}
		page = strings.Replace(page, line(r.tests), line(list), 1)
	}
	if len(tests) > 0 {
		t.Errorf("no row is for %v", tests)
	}
	if *update {
		if err := os.WriteFile(faultsPage, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
