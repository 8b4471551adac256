//! What can be asked for: one action for each group of acts and for each kind of view.

words! {
    /// Something a principal wants to do or see; the word is its name in the policies.
    Action {
        /// Add and change organisations, people and their credentials.
        ManageDirectory "manage_directory",
        /// Open a new engagement.
        DraftEngagement "draft_engagement",
        /// Write a statement of work.
        ManageSow "manage_sow",
        /// Sign a statement of work for one's side.
        SignSow "sign_sow",
        /// Declare the engagement live.
        GoLive "go_live",
        /// Add members, give and take roles.
        ManageMembers "manage_members",
        /// Take a case in.
        TakeInCase "take_in_case",
        /// Admit or decline a case stopped by the scope gate.
        SettleScope "settle_scope",
        /// Cancel a case.
        CancelCase "cancel_case",
        /// Give a case to another owner.
        TransferCase "transfer_case",
        /// Assign, revoke and replan seats.
        AssignSeat "assign_seat",
        /// Claim, give back, draft and seal a reading.
        ReadCaseAsReader "read_case_as_reader",
        /// Decide between readings.
        Adjudicate "adjudicate",
        /// Open an item for signature, sign, return, refuse.
        SignOff "sign_off",
        /// Take, give back and finish reviews, and decide on answers to them.
        Review "review",
        /// Answer a finding about one's own work.
        RebutReview "rebut_review",
        /// Let sampling begin again.
        ResumeSampling "resume_sampling",
        /// Complete lots and draw from them, as a job of the server.
        DrawLot "draw_lot",
        /// Change a deliverable.
        EditDeliverable "edit_deliverable",
        /// Deliver to the client.
        Deliver "deliver",
        /// Accept or return a delivery.
        AcceptDelivery "accept_delivery",
        /// Record readings made before Remit.
        ImportHistory "import_history",
        /// Record a model's suggestion beside a case.
        RecordSuggestion "record_suggestion",
        /// Plan seats again, as a job of the server.
        Replan "replan",
        /// Measure the readers anew from closed panels.
        Measure "measure",
        /// Raise alarms of charts at their limit, as a job of the server.
        RaiseAlarm "raise_alarm",
        /// Close an alarm with what it came from.
        CloseAlarm "close_alarm",
        /// Check the record against the events.
        VerifyRecord "verify_record",
        /// Take everything away in open formats.
        ExportEngagement "export_engagement",
        /// Run the installation: sign-in, keys, jobs.
        RunAdmin "run_admin",
        /// See the engagement and its members.
        ViewEngagement "view_engagement",
        /// See statements of work.
        ViewSow "view_sow",
        /// See a case: facts, state, timeline.
        ViewCase "view_case",
        /// See the content of a document.
        ViewItem "view_item",
        /// See a reading and its author.
        ViewReading "view_reading",
        /// See the readings of a panel without their authors.
        ViewReadingsAnonymised "view_readings_anonymised",
        /// See what the client gets or will get.
        ViewDeliverable "view_deliverable",
        /// See the bench.
        ViewPeople "view_people",
        /// See one person's record.
        ViewPerson "view_person",
        /// Propose a decided case as gold.
        ProposeGold "propose_gold",
        /// Approve, decline and retire gold; decide objections to it.
        ManageGold "manage_gold",
        /// Propose a decided case as guidance for like ones.
        ProposePrecedent "propose_precedent",
        /// Approve, decline and withdraw precedents.
        ManagePrecedent "manage_precedent",
        /// Open and close calibration rounds, note what they ended in.
        ManageCalibration "manage_calibration",
        /// End showings of gold and calibration rounds in time, as a job of the server.
        CloseGold "close_gold",
        /// See gold cases and how they are read.
        ViewGold "view_gold",
        /// See calibration rounds.
        ViewCalibration "view_calibration",
        /// See agreement and disputes in figures.
        ViewQuality "view_quality",
        /// See playbooks.
        ViewKnowledge "view_knowledge",
        /// See who opened what under which rule.
        ViewProtection "view_protection",
        /// See sign-in, jobs and health of the installation.
        ViewAdmin "view_admin",
        /// See one's own queue.
        ViewQueue "view_queue",
    }
}

impl Action {
    /// Returns whether it changes what people rely on, so that only a person may do it. The schema's group `deciding`
    /// says the same.
    pub const fn deciding(self) -> bool {
        match self {
            Self::ManageDirectory
            | Self::DraftEngagement
            | Self::ManageSow
            | Self::SignSow
            | Self::GoLive
            | Self::ManageMembers
            | Self::TakeInCase
            | Self::SettleScope
            | Self::CancelCase
            | Self::TransferCase
            | Self::AssignSeat
            | Self::ReadCaseAsReader
            | Self::Adjudicate
            | Self::Review
            | Self::RebutReview
            | Self::ResumeSampling
            | Self::SignOff
            | Self::EditDeliverable
            | Self::Deliver
            | Self::AcceptDelivery
            | Self::ImportHistory
            | Self::ProposeGold
            | Self::ManageGold
            | Self::ManageCalibration
            | Self::ProposePrecedent
            | Self::ManagePrecedent
            | Self::CloseAlarm
            | Self::RunAdmin => true,
            Self::RecordSuggestion
            | Self::Replan
            | Self::DrawLot
            | Self::Measure
            | Self::RaiseAlarm
            | Self::VerifyRecord
            | Self::ExportEngagement
            | Self::ViewEngagement
            | Self::ViewSow
            | Self::ViewCase
            | Self::ViewItem
            | Self::ViewReading
            | Self::ViewReadingsAnonymised
            | Self::ViewDeliverable
            | Self::ViewPeople
            | Self::ViewPerson
            | Self::CloseGold
            | Self::ViewGold
            | Self::ViewCalibration
            | Self::ViewQuality
            | Self::ViewKnowledge
            | Self::ViewProtection
            | Self::ViewAdmin
            | Self::ViewQueue => false,
        }
    }
}
