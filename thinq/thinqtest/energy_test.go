package thinqtest_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// What runs is counted, when the hour is over.
func TestEnergyOfARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // begins at midnight
		counts := map[string]float64{}
		for _, state := range []string{"POWER_OFF", "POWER_ON"} {
			s, network := newServer(t, thinqtest.Options{Samples: fleet(), LateEnergy: 30 * time.Hour})
			c := newCaller(t, s, network)
			today := time.Now().Format("20060102")
			used := func() float64 {
				var answer struct {
					Result struct {
						DataList []struct{ EnergyUsage float64 }
					}
				}
				data := c.must("GET", "/devices/energy/ac/usage?property=energyUsage&period=DAILY&startDate="+today+"&endDate="+today, "")
				if err := json.Unmarshal(data, &answer); err != nil {
					t.Fatal(err)
				}
				return answer.Result.DataList[0].EnergyUsage
			}
			if err := s.Patch("ac", []byte(`{"operation":{"airConOperationMode":"`+state+`"}}`)); err != nil {
				t.Fatal(err)
			}
			before := used()
			time.Sleep(125 * time.Minute)
			counts[state] = used() - before
			s.Close()
		}
		if counts["POWER_OFF"] > 10 || counts["POWER_ON"] < 1000 {
			t.Errorf("Wh of two hours: %v", counts)
		}
	})
}
