package mysqlfabric

import (
	"regexp"
	"strings"
)

// inGo is a message of the library with the names of Go in the place of C's.
func inGo(message string) string {
	if !strings.Contains(message, "fabric_") && !strings.Contains(message, "FABRIC_") {
		return message
	}
	return optionOfC.ReplaceAllStringFunc(namesInGo.Replace(message), optionInGo)
}

// namesInGo has what is called otherwise in Go. Of two that begin alike the longer one is first.
var namesInGo = strings.NewReplacer(
	"fabric_options_set_source", "the URL",
	"fabric_options_set_log", "WithLogger",
	"fabric_options_set_compat", "WithConnectorPythonPlacement",
	"fabric_options_set_background_refresh", "WithoutBackgroundRefresh",
	"fabric_options_set_report_errors", "WithReports",
	"fabric_options_add_report_errno", "WithReports",
	"fabric_get_group_server", "Farm.Group",
	"fabric_reset_cache", "Farm.ResetCache",
	"fabric_seed", "Farm.Seed",
	"fabric_interrupt", "Farm.Close",
	"fabric_key_text", "a string",
	"FABRIC_EVENT_FETCHED", "EventFetched",
	"FABRIC_MODE_NONE, _READONLY, _WRITEONLY, _READWRITE", "AnyMode, ReadOnly, WriteOnly, ReadWrite",
	"FABRIC_STATUS_NONE, _FAULTY, _SPARE, _SECONDARY, _PRIMARY", "AnyStatus, Faulty, Spare, Secondary, Primary",
	"FABRIC_PREFER_DEFAULT, _SECONDARY, _SECONDARY_ONLY, _PRIMARY, _NEAREST",
	"PreferDefault, PreferSecondary, PreferSecondaryOnly, PreferPrimary, PreferNearest",
	"FABRIC_REPORT_OFF, _ERROR, _FAILURE", "ReportsOff, ReportsError, ReportsFailure",
	"FABRIC_TLS_DEFAULT to _VERIFY_IDENTITY", "TLSDefault to TLSVerifyIdentity",
)

var optionOfC = regexp.MustCompile(`\bfabric_options_(?:set|add)_[a-z_]+`)

// optionInGo is the option of Go that has the name of one of C.
func optionInGo(name string) string {
	name = strings.TrimSuffix(name[len("fabric_options_set_"):], "_ms")
	option := "With"
	for _, word := range strings.Split(name, "_") {
		switch word {
		case "tls", "ttl":
			option += strings.ToUpper(word)
		case "mysql":
			option += "MySQL"
		case "":
		default:
			option += strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return option
}
