"""The correlation id by a JMESPath with a fall-back; buffering; keys nested as well."""

import processor
from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.buffer import LoggerBufferConfig

logger = Logger(service="payments", level="DEBUG", buffer_config=LoggerBufferConfig(buffer_at_verbosity="DEBUG"))


@logger.inject_lambda_context(
    correlation_id_path="correlation_id || payment_id",
    clear_state=True,
    flush_buffer_on_uncaught_error=True,
)
def handler(event, context):
    logger.structure_logs(append=True, payment_id=event["payment_id"], customer_id=event["customer_id"])
    logger.debug("campaign?", has_campaign="campaign" in event)
    if campaign := event.get("campaign"):
        logger.append_keys(campaign=campaign)
    logger.info("collecting", amount=event["amount"], currency=event["currency"])
    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        logger.exception("failed")
        raise
    logger.info("charged")
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
