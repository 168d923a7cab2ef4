package thinq

import (
	"encoding/json"
	"sync"
	"testing"
)

// A report as an air conditioner sends it: a fifth of its values.
const benchProfile = `{"property":{
	"job":{"mode":{"type":"enum","mode":["r","w"],"value":{"r":["COOL","HEAT","FAN"],"w":["COOL","HEAT"]}}},
	"operation":{"power":{"type":"enum","mode":["r","w"],"value":{"r":["POWER_ON","POWER_OFF"],"w":["POWER_ON","POWER_OFF"]}}},
	"temperature":{"current":{"type":"number","mode":["r"]},"target":{"type":"range","mode":["r","w"],"value":{"r":{"min":16,"max":30},"w":{"min":16,"max":30}}},"unit":{"type":"enum","mode":["r"],"value":{"r":["C","F"]}}},
	"inUnits":[
		{"current":{"type":"number","mode":["r"]},"target":{"type":"range","mode":["r"],"value":{"r":{"min":16,"max":30}}},"unit":"C"},
		{"current":{"type":"number","mode":["r"]},"target":{"type":"range","mode":["r"],"value":{"r":{"min":60,"max":86}}},"unit":"F"}],
	"flow":{"strength":{"type":"enum","mode":["r","w"],"value":{"r":["LOW","MID","HIGH"],"w":["LOW","MID","HIGH"]}}}}}`

const benchEvent = `{"pushType":"DEVICE_STATUS","serviceId":"0123456789abcdef01234567",` +
	`"deviceId":"3f1c9a6be2d84c0f9d3b7e6a5c4d2e1f00112233445566778899aabbccddeeff","userList":["KR0000000000000"],` +
	`"report":{"job":{"mode":"COOL"},"temperature":{"current":25.5,"target":23,"unit":"C"},` +
	`"inUnits":[{"current":25.5,"target":23,"unit":"C"},{"current":78,"target":73,"unit":"F"}],` +
	`"flow":{"strength":"LOW"}},"deviceType":"DEVICE_HEATER"}`

// BenchmarkReport is the way of a report from the wire into the state.
func BenchmarkReport(b *testing.B) {
	p := mustProfile(b, benchProfile)
	state := make(State)
	b.ReportAllocs()
	for b.Loop() {
		e, err := ParseEvent([]byte(benchEvent))
		if err != nil {
			b.Fatal(err)
		}
		report, err := p.Decode(e.Report)
		if err != nil {
			b.Fatal(err)
		}
		state.Merge(report)
	}
}

func BenchmarkDecode(b *testing.B) {
	p := mustProfile(b, benchProfile)
	e, err := ParseEvent([]byte(benchEvent))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Decode(e.Report); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkUnmarshal is the measure for BenchmarkDecode: the same report by
// encoding/json into maps.
func BenchmarkUnmarshal(b *testing.B) {
	e, err := ParseEvent([]byte(benchEvent))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var report map[string]any
		if err := json.Unmarshal(e.Report, &report); err != nil {
			b.Fatal(err)
		}
	}
}

// What a report costs stays far below what encoding/json alone would take.
func TestReportAllocatesLittle(t *testing.T) {
	p := mustProfile(t, benchProfile)
	state := make(State)
	data := []byte(benchEvent)
	ours := testing.AllocsPerRun(100, func() {
		e, _ := ParseEvent(data)
		report, _ := p.Decode(e.Report)
		state.Merge(report)
	})
	theirs := testing.AllocsPerRun(100, func() {
		var message map[string]any
		_ = json.Unmarshal(data, &message)
	})
	if ours > theirs/4 {
		t.Errorf("%v allocations, encoding/json needs %v", ours, theirs)
	}
}

func TestProfileIsSharedByGoroutines(t *testing.T) {
	p := mustProfile(t, benchProfile)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			e, _ := ParseEvent([]byte(benchEvent))
			report, err := p.Decode(e.Report)
			if err != nil || len(report) != 9 {
				t.Errorf("%v, %v", report, err)
			}
			if _, err := p.Encode(State{{Resource: "job", Name: "mode"}: "COOL"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
