//! `normal`: three users of a support desk, each served in a handful of calls.

use super::agent::{Call, Recorder};
use serde_json::{Value as Json, json};

const AGENT: &str = "support_agent";

/// Tells the story.
pub fn tell(recorder: &mut Recorder) {
    let mut run = recorder.run(AGENT, "Where is my order? I am customer C-1042.");
    run.use_tools(&[orders("C-1042", json!([{"order": "O-7781", "status": "shipped", "carrier": "DHL"}]))]);
    run.use_tools(&[
        shipment("O-7781", json!({"place": "Leipzig", "eta": "2 days"})),
        profile("C-1042", json!({"tier": "gold"})),
    ]);
    run.answer("Your order O-7781 has been shipped and is in Leipzig now. It arrives in about two days.");
    recorder.pass(400, 900);

    recorder.run(AGENT, "What is your return policy?").answer("You can return anything within 30 days, free of charge.");
    recorder.pass(400, 900);

    let mut run = recorder.run(AGENT, "Please move the orders of customer C-2090 to Friday.");
    run.use_tools(&[orders("C-2090", json!([{"order": "O-8120", "status": "packed"}, {"order": "O-8121", "status": "packed"}]))]);
    run.use_tools(&[reschedule("O-8120"), reschedule("O-8121")]);
    run.answer("Both orders, O-8120 and O-8121, will arrive on Friday.");
}

/// Looks up the orders of a customer.
pub fn orders(customer: &str, result: Json) -> Call {
    let arguments = json!({"customer_id": customer});
    Call { name: "search_orders", description: "Search the orders of a customer.", arguments, result }
}

fn shipment(order: &str, result: Json) -> Call {
    Call { name: "track_shipment", description: "Where a shipment is.", arguments: json!({"order": order}), result }
}

fn profile(customer: &str, result: Json) -> Call {
    let arguments = json!({"customer_id": customer});
    Call { name: "get_customer", description: "What is known of a customer.", arguments, result }
}

fn reschedule(order: &str) -> Call {
    let arguments = json!({"order": order, "day": "Friday"});
    Call { name: "reschedule_delivery", description: "Move a delivery.", arguments, result: json!({"ok": true}) }
}
