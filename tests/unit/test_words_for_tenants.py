"""What AWS says reaches a Pod's author without the role and the account."""

import pytest

from controller.core.contract import for_tenants


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("User: arn:aws:sts::111122223333:assumed-role/r/s is not", "User: (left out) is not"),
        ("resource: arn:aws-us-gov:ec2:us-gov-west-1:1:elastic-ip/*, since", "resource: (left out), since"),
        ("account 111122223333.", "account (left out)."),
        ("address 198.51.100.7 (eipalloc-111122223333)", "address 198.51.100.7 (eipalloc-111122223333)"),
        ("1111222233334 has 13 digits", "1111222233334 has 13 digits"),
        ("AddressLimitExceeded: ask for more", "AddressLimitExceeded: ask for more"),
    ],
)
def test_identities_are_left_out(said: str, told: str) -> None:
    assert for_tenants(said) == told
