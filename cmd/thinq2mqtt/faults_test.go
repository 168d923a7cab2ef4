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

// faultTables are the rows of the page.
func faultTables(page string) (rows []faultRow) {
	for line := range strings.Lines(page) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if len(cells) == 6 && anyNumber.MatchString(cells[1]) {
			rows = append(rows, faultRow{cells[1], cells[2], cells[3], cells[4]})
		}
	}
	return rows
}

var (
	anyNumber    = regexp.MustCompile(`^(F-\d{3}|S-\d{2}|S-MQTT-\d)$`)
	numberedTest = regexp.MustCompile(`(?m)^func (Test((?:F\d{3}|S\d{2}|SMQTT\d)+)\w*)\(`)
	oneNumber    = regexp.MustCompile(`([FS])(\d{2,3})|(S)(MQTT)(\d)`)
)

// numberedTests are the tests of the tree by the numbers in their names.
func numberedTests(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		for _, m := range numberedTest.FindAllStringSubmatch(read(t, path), -1) {
			for _, n := range oneNumber.FindAllStringSubmatch(m[2], -1) {
				number := strings.Join(slices.DeleteFunc(n[1:], func(s string) bool { return s == "" }), "-")
				found[number] = append(found[number], "`"+m[1]+"`")
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tests := range found {
		slices.Sort(tests)
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
	rows := faultTables(page)
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
	if *update {
		writeTests(t, page, rows, tests)
	}
}

// writeTests writes the last column.
func writeTests(t *testing.T, page string, rows []faultRow, tests map[string][]string) {
	t.Helper()
	for _, r := range rows {
		line := func(tests string) string {
			return "| " + strings.Join([]string{r.number, r.what, r.answer, tests}, " | ") + " |\n"
		}
		page = strings.Replace(page, line(r.tests), line(strings.Join(tests[r.number], ", ")), 1)
	}
	if err := os.WriteFile(faultsPage, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
}
