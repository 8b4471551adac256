//! Cases in every state they can be in, reached by the acts that lead there.

use remit_kernel::{
    case::{Material, ReturnCode},
    command::{CaseIn, Command},
    id::CaseId,
    index::CaseStatus,
};

use crate::world::World;

impl World {
    /// Takes in a case and leads it to this state. In `reading`, one reading is sealed and the other is being written.
    pub(crate) async fn case_at(&self, status: CaseStatus, reference: &str) -> CaseId {
        let engagement = self.engagement;
        let act = async |person, command| self.act(person, command).await.unwrap();
        match status {
            CaseStatus::ScopeQuery => {
                self.take_in_as(CaseIn { case_type: "survey".into(), ..self.case_in(reference) }).await
            }
            CaseStatus::Declined => {
                let case = Box::pin(self.case_at(CaseStatus::ScopeQuery, reference)).await;
                act(self.delivery, Command::DeclineCase { engagement, case, reason: "not in scope".into() }).await;
                case
            }
            CaseStatus::Ready => self.take_in(reference).await,
            CaseStatus::Reading => {
                let case = self.take_in(reference).await;
                self.read(self.reader1, case, "fell").await.unwrap();
                act(self.reader2, Command::ClaimSeat { engagement, case }).await;
                case
            }
            CaseStatus::Adjudicating => {
                let case = self.take_in(reference).await;
                self.read(self.reader1, case, "fell").await.unwrap();
                self.read(self.reader2, case, "rose").await.unwrap();
                case
            }
            CaseStatus::Resolved => {
                let case = self.take_in_as(CaseIn { case_type: "note".into(), ..self.case_in(reference) }).await;
                self.read(self.reader1, case, "fell").await.unwrap();
                self.read(self.reader2, case, "fell").await.unwrap();
                case
            }
            CaseStatus::InReview => {
                let case = self.take_in_as(CaseIn { case_type: "audit".into(), ..self.case_in(reference) }).await;
                self.read(self.reader1, case, "fell").await.unwrap();
                self.read(self.reader2, case, "fell").await.unwrap();
                case
            }
            CaseStatus::AwaitingSignOff => {
                let case = self.take_in(reference).await;
                self.read(self.reader1, case, "fell").await.unwrap();
                self.read(self.reader2, case, "fell").await.unwrap();
                case
            }
            CaseStatus::SignedOff => {
                let case = Box::pin(self.case_at(CaseStatus::AwaitingSignOff, reference)).await;
                for material in [Material::Item(self.item(case).await, 1), Material::Deliverable] {
                    act(self.signer, Command::OpenMaterial { engagement, case, material }).await;
                }
                let content = self.state(case).await["resolution"]["content"].as_str().unwrap().parse().unwrap();
                act(self.signer, Command::Sign { engagement, case, content, statement: "I have looked.".into() }).await;
                case
            }
            CaseStatus::Delivered => {
                let case = Box::pin(self.case_at(CaseStatus::SignedOff, reference)).await;
                act(self.delivery, Command::Deliver { engagement, case }).await;
                case
            }
            CaseStatus::Revision => {
                let case = Box::pin(self.case_at(CaseStatus::Delivered, reference)).await;
                act(
                    self.client,
                    Command::ReturnDelivery { engagement, case, code: ReturnCode::Tone, note: "too terse".into() },
                )
                .await;
                case
            }
            CaseStatus::Accepted => {
                let case = Box::pin(self.case_at(CaseStatus::Delivered, reference)).await;
                act(self.client, Command::AcceptDelivery { engagement, case }).await;
                case
            }
            CaseStatus::Cancelled => {
                let case = self.take_in(reference).await;
                act(self.client, Command::CancelCase { engagement, case, reason: "settled".into() }).await;
                case
            }
        }
    }

    async fn take_in_as(&self, case: CaseIn) -> CaseId {
        self.act(self.client, Command::TakeIn { engagement: self.engagement, case }).await.unwrap().case().unwrap()
    }

    /// The state of a case, as the store keeps it.
    pub(crate) async fn state(&self, case: CaseId) -> serde_json::Value {
        let stream = format!("case/{case}");
        let snapshot =
            self.app.store().snapshots(&self.engagement.to_string(), &[stream]).await.unwrap().remove(0).unwrap();
        serde_json::from_str(&snapshot.body).unwrap()
    }
}

#[tokio::test]
async fn every_state_of_a_case_can_be_reached() {
    let world = World::live().await;
    for status in CaseStatus::ALL {
        let case = world.case_at(*status, status.word()).await;
        assert_eq!(world.state(case).await["status"], status.word());
    }
}
