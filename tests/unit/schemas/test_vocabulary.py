from schemas.vocabulary import Certainty


def test_an_event_takes_the_place_of_those_whose_cost_is_less_certain() -> None:
    assert {better: better.worse for better in Certainty} == {
        Certainty.METERED: (Certainty.ESTIMATED, Certainty.UNKNOWN),
        Certainty.ESTIMATED: (Certainty.UNKNOWN,),
        Certainty.UNKNOWN: (),
    }
