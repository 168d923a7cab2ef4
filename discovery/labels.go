package discovery

import "strings"

// A label is how one option is shown. Words are what the state document and the
// command topics carry; labels are for eyes only, and the announcement maps them
// both ways.
type label struct{ Word, Text string }

// labels are the English labels of words that do not read well by themselves.
// The words of wishes and reports that are not here are read as they stand, with
// blanks for underscores.
var labels = map[string]string{
	"none":      "Nothing", // the text None is Home Assistant's unknown
	"power_off": "Off", "power_on": "On", "power": "Powerful",
	"mid": "Medium", "mid_high": "Medium high", "low_mid": "Medium low", "slow_low": "Very slow",
	"angle_45": "45°", "angle_60": "60°", "angle_90": "90°", "angle_140": "140°",
	"rinselevel_0": "Rinse aid 0", "rinselevel_1": "Rinse aid 1", "rinselevel_2": "Rinse aid 2", "rinselevel_3": "Rinse aid 3", "rinselevel_4": "Rinse aid 4",
	"softeninglevel_0": "Softening 0", "softeninglevel_1": "Softening 1", "softeninglevel_2": "Softening 2", "softeninglevel_3": "Softening 3", "softeninglevel_4": "Softening 4",
	"signallevel_on": "Chime on", "signallevel_off": "Chime off",
	"mcreminder_on": "Machine clean reminder on", "mcreminder_off": "Machine clean reminder off",
	"cleanlreminder_on": "Clean light reminder on", "cleanlreminder_off": "Clean light reminder off",
	"ipa": "IPA", "citrussy": "Citrus", "fota": "Firmware update", "setdate": "Setting the clock",
	"ext_leaf": "Leafy greens", "ext_herb": "Herbs", "ext_flower": "Flowers", "ext_expert": "Expert",
	"macrosector": "Macro sector", "sector_base": "Cell by cell", "moveless": "Not moving", "dock_level": "In the dock", "over_charge": "Overcharged",
	"temperature_number": "Temperature", "no_error": "No error", "unset": "Not set", "in_water": "Water inlet", "out_water": "Water outlet",
	"double_lr": "Double, left and right", "double_ul": "Double, upper and lower", "sousvide_1": "Sous vide 1", "sousvide_2": "Sous vide 2",
	"up_feature": "Downloaded mode", "on_working": "While working", "detergent_amount": "Measuring detergent", "add_drain": "Drain",
	"drainmotor_error": "Drain motor error", "ir_sensor_error": "Infrared sensor error", "le_error": "Motor error LE", "le2_error": "Motor error LE2",
	"empty_wather_alert_error": "Water container empty", "empty_water_alert_error": "Water container empty",
	"time_to_run_the_tub_clean_cycle_error": "Tub clean is due", "need_water_drain": "Water must be emptied", "need_water_replenishment": "Water must be refilled",
	"need_water_drain_error": "Water must be emptied", "need_water_replenishment_error": "Water must be refilled",
	"door_open_error": "Door is open", "door_close_error": "Door does not close", "inner_lid_open_error": "Inner lid is open", "unable_to_lock_error": "Door cannot be locked",
	"water_leaks_error": "Water leak", "water_leakage_error": "Water leak", "dust_full_error": "Dust bin is full", "no_dust_bin_error": "Dust bin is missing",
	"no_filter_error": "Filter is missing", "no_battery_error": "Battery is missing", "filter_clogging_error": "Filter is clogged", "suction_blocked_error": "Suction is blocked",
	"child_lock_active_error": "Child lock is active", "power_fail_error": "Power failure", "unbalanced_load_error": "Load is unbalanced", "out_of_balance_error": "Load is out of balance",
	"high_temperature_detection_error": "Too hot", "vegetable_fruit": "Vegetables and fruit", "meat_fish": "Meat and fish", "rice_grain": "Rice and grain",
	"frozen_prevent_initial": "Frost protection ready", "frozen_prevent_running": "Frost protection running", "frozen_prevent_pause": "Frost protection paused",
	"humidify_and_air_clean": "Humidify and clean air", "display_loadsize": "Showing the load size", "shoes_module": "Shoe module",
}

// labelOf is the English label of a word.
func labelOf(word string) string { return or(labels[word], sentence(word)) }

// labelled are the platforms whose options Home Assistant shows as they are. The
// modes of climate, fan and humidifier are words that it knows.
var labelled = map[Platform]bool{Select: true, Sensor: true}

// label gives every option of an entity a text that no other one has: the one
// that the user wants, else a readable one where that is configured.
func (b *builder) label(e *Entity) {
	words, ok := e.Config["options"].([]string)
	own := b.mappings.options(*e)
	if !ok || !labelled[e.Platform] || !b.options.Labels && len(own) == 0 {
		return
	}
	texts, taken := map[string]string{}, map[string]bool{}
	claim := func(word, text string) {
		for taken[text] || text == "None" || text == "" {
			text = strings.TrimSpace(text + " (" + word + ")")
		}
		texts[word], taken[text] = text, true
	}
	for _, word := range words {
		if text, ok := own[word]; ok {
			claim(word, text)
		}
	}
	for _, word := range words {
		if _, done := texts[word]; done {
			continue
		}
		if b.options.Labels && harmless(word) {
			claim(word, b.say(labelOf(word)))
		} else {
			claim(word, word)
		}
	}
	e.labels = make([]label, len(words))
	for i, word := range words {
		e.labels[i] = label{word, texts[word]}
	}
}

// connectLabels makes the announcement show labels, read them out of words and
// write words for them. What is no option passes through.
func (e Entity) connectLabels(c map[string]any, b Binding) {
	options := make([]string, len(e.labels))
	show, take := make([]string, 0, len(e.labels)), make([]string, 0, len(e.labels))
	for i, l := range e.labels {
		options[i] = l.Text
		if l.Text != l.Word && harmless(l.Word) {
			show = append(show, quoted(l.Word)+":"+quoted(l.Text))
			take = append(take, quoted(l.Text)+":"+quoted(l.Word))
		}
	}
	c["options"] = options
	if len(show) == 0 {
		return
	}
	value := "value_json." + b.Attr
	if c["value_template"] != nil {
		c["value_template"] = "{{ {" + strings.Join(show, ",") + "}.get(" + value + "|string, " + value + ") }}"
	}
	if c["command_topic"] != nil {
		c["command_template"] = "{{ {" + strings.Join(take, ",") + "}.get(value, value) }}"
	}
}

// harmless reports whether a word of LG's may stand in a template: letters, digits
// and what joins them. Any other word is shown as it is.
func harmless(word string) bool {
	return strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_ .+-") == ""
}

// quoted is a text as a string of a template.
func quoted(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}
