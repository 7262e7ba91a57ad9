"""The topology on AWS: one CloudFormation template, how it is deployed, and how failures of AWS read."""
