package main

import (
	"context"
	"fmt"

	genesisadminv1 "genesis-orchestrator.dev/client/go/genesis/admin/v1"
	genesisv1 "genesis-orchestrator.dev/client/go/genesis/v1"
	"google.golang.org/protobuf/proto"
)

var flagExamples = []example{
	{"genesis.admin.v1.FlagAdminService/PutFlag", putFlag},
	{"genesis.admin.v1.FlagAdminService/GetFlag", getFlag},
	{"genesis.admin.v1.FlagAdminService/ListFlags", listFlags},
	{"genesis.admin.v1.FlagAdminService/PreviewFlag", previewFlag},
	{"genesis.admin.v1.FlagAdminService/SetFlagWeight", setFlagWeight},
	{"genesis.admin.v1.FlagAdminService/DisableFlag", disableFlag},
	{"genesis.admin.v1.FlagAdminService/EnableFlag", enableFlag},
	{"genesis.admin.v1.FlagAdminService/DeleteFlag", deleteFlag},
	{"genesis.admin.v1.FlagAdminService/SetEmergencyFlag", setEmergencyFlag},
	{"genesis.admin.v1.FlagAdminService/ClearEmergencyFlag", clearEmergencyFlag},
	{"genesis.admin.v1.FlagAdminService/ListAuditEntries", auditEntries},
}

func putFlag(ctx context.Context, told *story) error {
	client := told.client
	// example: genesis.admin.v1.FlagAdminService/PutFlag
	definition := `{"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
		"targeting": {"fractional": [["on", 10], ["off", 90]]}}`
	answer, err := client.Flags.PutFlag(ctx, &genesisadminv1.PutFlagRequest{
		Key:            "new-checkout",
		DefinitionJson: definition,
		Cause:          "try it on a tenth",
	})
	if err != nil {
		return err
	}
	fmt.Println("version", answer.GetChange().GetVersion())
	// end
	told.flagVersion = answer.GetChange().GetVersion()
	return nil
}

func getFlag(ctx context.Context, told *story) error {
	client := told.client
	// example: genesis.admin.v1.FlagAdminService/GetFlag
	answer, err := client.Flags.GetFlag(ctx, &genesisadminv1.GetFlagRequest{Key: "new-checkout"})
	if err != nil {
		return err
	}
	fmt.Println(answer.GetFlag().GetVersion(), answer.GetFlag().GetDefinitionJson())
	// end
	return nil
}

func listFlags(ctx context.Context, told *story) error {
	client := told.client
	// example: genesis.admin.v1.FlagAdminService/ListFlags
	page, err := client.Flags.ListFlags(ctx, &genesisadminv1.ListFlagsRequest{PageSize: 200})
	if err != nil {
		return err
	}
	for _, flag := range page.GetFlags() {
		fmt.Println(flag.GetKey(), flag.GetLayer(), flag.GetDescription())
	}
	// end
	return nil
}

func previewFlag(ctx context.Context, told *story) error {
	client := told.client
	// example: genesis.admin.v1.FlagAdminService/PreviewFlag
	answer, err := client.Flags.PreviewFlag(ctx, &genesisadminv1.PreviewFlagRequest{
		Key:      "new-checkout",
		Change:   &genesisadminv1.PreviewFlagRequest_Percent{Percent: 50},
		Contexts: []*genesisv1.FlagContext{{TargetingKey: "ann"}},
	})
	if err != nil {
		return err
	}
	fmt.Println(answer.GetDiff())
	fmt.Printf("%.0f %% would get another variant\n", 100*answer.GetMovedShare())
	// end
	return nil
}

func setFlagWeight(ctx context.Context, told *story) error {
	client, version := told.client, told.flagVersion
	// example: genesis.admin.v1.FlagAdminService/SetFlagWeight
	_, err := client.Flags.SetFlagWeight(ctx, &genesisadminv1.SetFlagWeightRequest{
		Key:             "new-checkout",
		Percent:         50,
		ExpectedVersion: proto.Uint64(version), // VERSION_MISMATCH when somebody was faster
		Cause:           "a day without complaints",
	})
	if err != nil {
		return err
	}
	// end
	return nil
}

func disableFlag(ctx context.Context, told *story) error {
	client := told.client
	// example: genesis.admin.v1.FlagAdminService/DisableFlag
	_, err := client.Flags.DisableFlag(ctx, &genesisadminv1.DisableFlagRequest{Key: "new-checkout", Cause: "complaints"})
	if err != nil {
		return err
	}
	// end
	return nil
}

func enableFlag(ctx context.Context, told *story) error {
	client := told.client
	// example: genesis.admin.v1.FlagAdminService/EnableFlag
	_, err := client.Flags.EnableFlag(ctx, &genesisadminv1.EnableFlagRequest{Key: "new-checkout", Cause: "it was something else"})
	if err != nil {
		return err
	}
	// end
	return nil
}

func deleteFlag(ctx context.Context, told *story) error {
	client := told.client
	// example: genesis.admin.v1.FlagAdminService/DeleteFlag
	_, err := client.Flags.DeleteFlag(ctx, &genesisadminv1.DeleteFlagRequest{Key: "new-checkout", Cause: "it is the checkout now"})
	if err != nil {
		return err
	}
	// end
	return nil
}

func setEmergencyFlag(ctx context.Context, told *story) error {
	client := told.client
	// example: genesis.admin.v1.FlagAdminService/SetEmergencyFlag
	request := &genesisadminv1.SetEmergencyFlagRequest{Key: "maintenance_mode", Cause: "the disk is moved"}
	answer, err := client.Flags.SetEmergencyFlag(ctx, request)
	if err != nil {
		return err
	}
	fmt.Println("set:", answer.GetFlag().GetSet())
	// end
	return nil
}

func clearEmergencyFlag(ctx context.Context, told *story) error {
	client := told.client
	// example: genesis.admin.v1.FlagAdminService/ClearEmergencyFlag
	request := &genesisadminv1.ClearEmergencyFlagRequest{Key: "maintenance_mode", Cause: "the disk was moved"}
	answer, err := client.Flags.ClearEmergencyFlag(ctx, request)
	if err != nil {
		return err
	}
	fmt.Println("set:", answer.GetFlag().GetSet())
	// end
	return nil
}

func auditEntries(ctx context.Context, told *story) error {
	client := told.client
	// example: genesis.admin.v1.FlagAdminService/ListAuditEntries
	page, err := client.Flags.ListAuditEntries(ctx, &genesisadminv1.ListAuditEntriesRequest{Key: "new-checkout", OldestFirst: true})
	if err != nil {
		return err
	}
	for _, entry := range page.GetEntries() {
		fmt.Println(entry.GetSequence(), entry.GetActor(), entry.GetAction(), entry.GetCause())
	}
	// end
	return nil
}
