package thinq

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
)

// TestClasses holds the table of codes against the classes as they are agreed.
func TestClasses(t *testing.T) {
	want := map[Class]string{
		Rate:        "1306 1314",
		Auth:        "1103 1218 1302 1303",
		Terms:       "1304",
		Country:     "1307 1310",
		Blocked:     "1305 1309",
		Gone:        "1205 1210 1211 1212 1213 1217 1224",
		Offline:     "1222 1223",
		Unsupported: "1214 1219 1220 1221 2101 2201 2202 2203",
		Done:        "1204 1206 1207 4001",
		Sublimit:    "1312",
		Busy:        "2000 2208 2209 2210 2212 2214",
		Lost:        "2213",
		Refused:     "1102 1308 2205 2207 2301 2302 2303 2304 2305",
		Unknown:     "0000 1000 1101 1104 1201 1202 1203 1208 1209 1216 1225 1301 1311",
	}
	got := map[Class][]string{}
	for code, m := range codes {
		got[m.class] = append(got[m.class], code)
	}
	for class, list := range got {
		slices.Sort(list)
		if s := strings.Join(list, " "); s != want[class] {
			t.Errorf("%s: got %s, want %s", class, s, want[class])
		}
	}
	if len(codes) != 62 {
		t.Errorf("%d codes", len(codes))
	}
}

// Who signed in at a partner's service has no token to make anew.
func TestPartnerTexts(t *testing.T) {
	s := newLG(t, says(400, fail(`"1103"`)))
	o := s.options()
	o.Surface, o.Service = PartnerV2, Service{ID: "id", Key: "key"}
	_, err := newTestClient(t, o).Devices(t.Context())
	if e, ok := errors.AsType[*Error](err); !ok || e.Text() != newSignIn {
		t.Errorf("a refused sign-in: %v", err)
	}
	for code := range codes {
		e := &Error{Status: 400, Code: code, SignIn: true}
		if text := e.Text(); strings.Contains(text, "token") || strings.Contains(text, "connect-pat") {
			t.Errorf("%s: %q", code, text)
		}
	}
}

func TestTexts(t *testing.T) {
	check := func(e *Error) {
		text := e.Text()
		if len(text) < 20 || !strings.HasSuffix(text, ".") || strings.ToUpper(text[:1]) != text[:1] {
			t.Errorf("%+v: %q is no sentence", e, text)
		}
	}
	for code := range codes {
		check(&Error{Status: 400, Code: code})
		// The code decides, whatever the status.
		for _, status := range []int{200, 401, 429, 500} {
			if got := (&Error{Status: status, Code: code}).Class(); got != codes[code].class {
				t.Errorf("%s with HTTP %d is %s", code, status, got)
			}
		}
	}
	for _, status := range []int{200, 302, 400, 401, 403, 404, 408, 429, 500, 599} {
		check(&Error{Status: status})
		check(&Error{Status: status, Code: "9999"})
	}
}

func TestErrorLine(t *testing.T) {
	e := &Error{Endpoint: "POST /devices/{id}/control", Status: 400, Code: "2301", Message: "remote off"}
	want := `POST /devices/{id}/control: Remote start is switched off at the appliance (code 2301, HTTP 400): "remote off"`
	if e.Error() != want {
		t.Errorf("got %s\nwant %s", e, want)
	}
	e = &Error{Endpoint: "GET /devices", Status: 502}
	if want := "GET /devices: LG's servers are in trouble (HTTP 502)"; e.Error() != want {
		t.Errorf("got %s\nwant %s", e, want)
	}
}

func TestClassOf(t *testing.T) {
	tests := []struct {
		err  error
		want Class
	}{
		{nil, ""},
		{&Error{Code: "1222"}, Offline},
		{fmt.Errorf("read: %w", &Error{Code: "1222"}), Offline},
		{fmt.Errorf("read: %w", &BudgetError{}), Rate},
		{tokenError{}, Auth},
		{context.DeadlineExceeded, Busy},
		{context.Canceled, Unknown},
		{&net.DNSError{Err: "no such host"}, Busy},
		{errors.New("whatever"), Busy},
	}
	for _, tt := range tests {
		if got := ClassOf(tt.err); got != tt.want {
			t.Errorf("%v is %q, want %q", tt.err, got, tt.want)
		}
	}
}

func TestRegions(t *testing.T) {
	seen := map[string]bool{}
	for region, countries := range regions {
		if !slices.IsSorted(countries) {
			t.Errorf("%s is not sorted", region)
		}
		for _, country := range countries {
			if got, err := Region(country); got != region || err != nil || len(country) != 2 || seen[country] {
				t.Errorf("%s: %s, %v", country, got, err)
			}
			seen[country] = true
		}
	}
	if len(seen) != 162 || len(regions["kic"]) != 20 || len(regions["aic"]) != 37 || len(regions["eic"]) != 105 {
		t.Errorf("%d countries", len(seen))
	}
	for code, want := range map[string]string{"KR": "kic", "us": "aic", "De": "eic"} {
		if got, err := Region(code); got != want || err != nil {
			t.Errorf("%s: %s, %v", code, got, err)
		}
	}
	for _, code := range []string{"", "WW", "DEU", "germany"} {
		if got, err := Region(code); err == nil {
			t.Errorf("%q is in %s", code, got)
		}
	}
}
