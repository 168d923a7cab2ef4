package discovery

import "time"

// A latch is a condition that lasts and that LG tells only once, by a
// notification or an error. Its sensor stays on until something says that it is
// over, or its button is pressed.
type latch struct {
	Key   string
	Codes []string // patterns as of path.Match, of codes without the ending _ERROR

	Over   []string      // patterns of notifications that end it
	Well   []sign        // values that end it
	Ill    []sign        // values that say by themselves that it is so; unknown where nothing else could, and they are
	Start  bool          // the next start ends it
	After  time.Duration // it ends by itself unless it is told again
	Stands bool          // the end of an error does not end it: only told when due
	Word
}

// A sign is a value that speaks about a latch, of whatever resource.
type sign struct {
	Path      string // pattern of resource.name
	Values    []any  // any of these, or
	Low, High float64
	Beside    bool // the value has a sensor of its own for it: no reason for another one
}

const anHour = time.Hour

// latches are the lasting conditions, the more special ones first: a code
// belongs to the first that has a pattern for it.
var latches = []latch{
	{Key: "water_leak", Codes: []string{"*LEAK*"}, Start: true, Stands: true,
		Word: Word{Name: "Water leak", Binary: "moisture"}},
	{Key: "fire_alarm", Codes: []string{"FIRE_*", "*_FIRE_*", "*SMOKE*"}, Stands: true,
		Word: Word{Name: "Fire alarm", Binary: "smoke"}},
	{Key: "high_temperature", Codes: []string{"HIGH_TEMPERATURE*", "OVERHEAT*"},
		Word: Word{Name: "High temperature", Binary: "heat"}},

	{Key: "door_left_open", Codes: []string{"DOOR_IS_OPEN*"}, After: anHour,
		Well: []sign{{Path: "*.doorState", Values: []any{"CLOSE", "CLOSED"}}},
		Word: Word{Name: "Door left open", Binary: "problem", Icon: "mdi:door-open"}},
	{Key: "close_door", Codes: []string{"DOOR_OPEN*", "DOOR_CLOSE*", "*LID_OPEN*"}, Start: true,
		Well: []sign{{Path: "*.doorState", Values: []any{"CLOSE", "CLOSED"}}},
		Word: Word{Name: "Door to be closed", Binary: "problem", Icon: "mdi:door-open"}},

	{Key: "tank_full", Codes: []string{"WATER_IS_FULL", "*TANK*FULL*"}, Start: true, After: anHour,
		Word: Word{Name: "Tank full", Binary: "problem", Icon: "mdi:cup-water"}},
	{Key: "water_low", Codes: []string{"LACK_OF_WATER"}, Start: true, After: anHour,
		Word: Word{Name: "Water low", Binary: "problem", Icon: "mdi:water-alert"}},
	{Key: "empty_tank", Codes: []string{"EMPTY_WATER*", "EMPTY_WATHER*", "NEED_WATER_DRAIN"}, Start: true,
		Word: Word{Name: "Tank to be emptied", Binary: "problem", Icon: "mdi:cup-water"}},
	{Key: "fill_tank", Codes: []string{"NEED_WATER_REPLENISHMENT"}, Start: true,
		Word: Word{Name: "Tank to be filled", Binary: "problem", Icon: "mdi:cup-outline"}},

	{Key: "water_filter_due", Codes: []string{"TIME_TO_CHANGE_WATER_FILTER*", "NEED_TO_CHANGE_WATER_FILTER*"}, Stands: true,
		Over: []string{"WATER_FILTER_RESET*"},
		Well: []sign{{Path: "waterFilterInfo.waterFilterState", Values: []any{"GOOD"}}, {Path: "waterFilterInfo.waterFilter?RemainPercent", Low: 20, High: 100}},
		Ill:  []sign{{Path: "waterFilterInfo.waterFilterState", Values: []any{"REPLACE"}}, {Path: "waterFilterInfo.waterFilter?RemainPercent", High: almostUsedUp, Beside: true}},
		Word: Word{Name: "Water filter due", Binary: "problem", Icon: "mdi:water-alert"}},
	{Key: "clean_filter", Codes: []string{"TIME_TO_CLEAN*FILTER*", "FILTER_CLOGGING*"},
		Over: []string{"FILTER_RESET*"},
		Word: Word{Name: "Filter to be cleaned", Binary: "problem", Icon: "mdi:air-filter"}},
	{Key: "filter_due", Codes: []string{"TIME_TO_CHANGE*FILTER*", "NEED_TO_CHANGE*FILTER*"}, Stands: true,
		Over: []string{"FILTER_RESET*"},
		Well: []sign{{Path: "*ilterRemainPercent", Low: 20, High: 100}},
		Ill: []sign{
			{Path: "*.freshAirFilter", Values: []any{"REPLACE"}}, {Path: "*.filterRemainPercent", High: almostUsedUp},
			{Path: "*ilterRemainPercent", High: almostUsedUp, Beside: true},
		},
		Word: Word{Name: "Filter due", Binary: "problem", Icon: "mdi:air-filter"}},
	{Key: "filter_missing", Codes: []string{"NO_FILTER"}, Start: true,
		Word: Word{Name: "Filter missing", Binary: "problem", Icon: "mdi:air-filter"}},

	{Key: "salt_low", Codes: []string{"SALT_*"}, Start: true, Stands: true,
		Word: Word{Name: "Salt low", Binary: "problem", Icon: "mdi:shaker-outline"}},
	{Key: "rinse_aid_low", Codes: []string{"RINSE_*NOT_ENOUGH", "RINSE_*REFILL*"}, Start: true, Stands: true,
		Well: []sign{{Path: "*.rinseRefill", Values: []any{false}}},
		Word: Word{Name: "Rinse aid low", Binary: "problem", Icon: "mdi:bottle-tonic-outline"}},
	{Key: "tub_clean_due", Codes: []string{"*TUB_CLEAN*"}, Stands: true,
		Word: Word{Name: "Tub clean due", Binary: "problem", Icon: "mdi:washing-machine-alert"}},
	{Key: "cleaning_due", Codes: []string{"TIME_TO_CLEAN"}, Stands: true,
		Word: Word{Name: "Cleaning due", Binary: "problem", Icon: "mdi:broom"}},
	{Key: "dust_bin_full", Codes: []string{"DUST_FULL*"}, Start: true,
		Word: Word{Name: "Dust bin full", Binary: "problem", Icon: "mdi:delete-alert-outline"}},
	{Key: "dust_bin_missing", Codes: []string{"NO_DUST_BIN*"}, Start: true,
		Word: Word{Name: "Dust bin missing", Binary: "problem", Icon: "mdi:delete-alert-outline"}},
	{Key: "check_mop", Codes: []string{"MOP", "MOP_*", "NO_MOP*"}, Start: true,
		Word: Word{Name: "Mop to be checked", Binary: "problem", Icon: "mdi:broom"}},
	{Key: "pollution_high", Codes: []string{"POLLUTION_IS_HIGH"}, After: anHour,
		Well: []sign{{Path: "*.totalPollutionLevel", Values: []any{"GOOD", "NORMAL"}}},
		Word: Word{Name: "Pollution high", Binary: "problem", Icon: "mdi:weather-hazy"}},
	{Key: "battery_low", Codes: []string{"BATTERY_IS_LOW", "LOW_BATTERY*"}, Over: []string{"CHARGING_IS_COMPLETE*"}, Stands: true,
		Well: []sign{{Path: "battery.percent", Low: 30, High: 100}, {Path: "battery.level", Values: []any{"MID", "HIGH", "FULL", "OVER_CHARGE"}}},
		Ill:  []sign{{Path: "battery.percent", High: 20}, {Path: "battery.level", Values: []any{"MOVELESS", "DOCK_LEVEL", "WARNING", "LOW"}}},
		Word: Word{Name: "Battery low", Binary: "battery", Category: diagnostic}},
}

// almostUsedUp is how many percent of a filter are as good as none.
const almostUsedUp = 5

// worstKnown is how bad an error is that no list has.
const worstKnown = "fault"

// severities say how bad an error is, by patterns as of path.Match: the first
// that fits counts.
var severities = []struct {
	name  string
	codes []string
}{
	{"alarm", []string{"*LEAK*", "*FIRE*", "*SMOKE*", "HIGH_TEMPERATURE*", "OVERHEAT*"}},
	{worstKnown, []string{"*SENSOR*", "*MOTOR*"}}, // of a door or a filter, too
	{"attention", []string{
		"*DOOR*", "*LID*", "*_LOCK", "*_LOCK_*", "*FILTER*", "EMPTY_WAT*", "NEED_WATER*", "*TANK*", "*TUB_CLEAN*",
		"DUST_FULL*", "*DUST_BIN*", "MOP*", "TIME_TO_*",
	}},
}
