"""The API that SAM adds for events that name none.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-generated-resources.html
"""

from workshop.sam import load_template

TEMPLATE = """\
Transform: AWS::Serverless-2016-10-31
Globals:
  Api: {Name: shared, AccessLogSetting: {DestinationArn: !GetAtt Logs.Arn}}
Resources:
  Logs: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /api}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .
      Handler: app.handler
      Runtime: python3.13
      Events:
        E: {Type: Api, Properties: {Path: /a, Method: get}}
"""


def load(folder, text):
    (folder / "template.yaml").write_text(text)
    return load_template(folder / "template.yaml").resources


def test_it_has_the_stage_prod_and_what_globals_say(tmp_path):
    assert load(tmp_path, TEMPLATE)["ServerlessRestApi"] == {
        "Type": "AWS::Serverless::Api",
        "Properties": {
            "StageName": "Prod",
            "Name": "shared",
            "AccessLogSetting": {
                "DestinationArn": "arn:aws:logs:us-east-1:123456789012:log-group:/api:*"
            },
        },
    }


def test_it_is_not_there_when_no_event_wants_it(tmp_path):
    schedule = "{Type: Schedule, Properties: {Schedule: rate(1 hour)}}"
    text = TEMPLATE.replace("{Type: Api, Properties: {Path: /a, Method: get}}", schedule)
    assert "ServerlessRestApi" not in load(tmp_path, text)
