"""Every view has an address, Back returns, and the keyboard and a first look find the sliders."""

import re

import pytest
from playwright.sync_api import expect

from dviz.ui.tabs import TABS
from tests.browser.test_page import open_tab, pick
from tests.ui.material import NAMES

SOURCE, DIRECT, TUNED = NAMES


def shown(page):
    return page.locator(".family-line [aria-current]")


def test_back_leads_through_what_was_chosen(page):
    slider = page.locator("#panel .dial input").first
    slider.focus()
    page.keyboard.press("PageUp")
    value = slider.input_value()
    pick(page, TUNED)
    expect(page).to_have_url(re.compile(f"checkpoint={TUNED}$"))  # its code is another one's
    open_tab(page, "Association (OMES)")
    expect(page).to_have_url(re.compile("tab=association"))
    page.locator(".matrix .annotation").first.wait_for()
    page.go_back()
    expect(page.get_by_role("tab", selected=True)).to_have_text("Traverse")
    page.go_back()
    expect(shown(page)).to_have_attribute("data-key", SOURCE)
    expect(page.locator("#panel .dial input").first).to_have_value(value)
    page.go_forward()
    expect(shown(page)).to_have_attribute("data-key", TUNED)


def test_the_skip_link_leads_to_the_sliders_and_a_pick_keeps_the_focus(page):
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the sliders")).to_be_focused()
    page.keyboard.press("Enter")
    slider = page.locator("#panel .dial input").first
    expect(slider).to_be_focused()
    low, high, before = (float(slider.evaluate(f"e => e.{k}")) for k in ("min", "max", "value"))
    page.keyboard.press("ArrowRight")
    assert float(slider.input_value()) - before == pytest.approx((high - low) / 100, abs=0.011)
    page.keyboard.press("PageDown")
    assert before - float(slider.input_value()) == pytest.approx(0.09 * (high - low), abs=0.03)
    chip = page.locator(f'.family-line [data-key="{TUNED}"]')
    chip.focus()
    page.keyboard.press("Enter")
    expect(chip).to_have_attribute("aria-current", "true")
    expect(chip).to_be_focused()


def watched(context, width, height):
    """A page that adds up, in `window.shift`, how far things jump."""
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": height})
    page.add_init_script(
        "window.shift = 0; new PerformanceObserver((list) => {"
        " for (const e of list.getEntries()) window.shift += e.value;"
        "}).observe({ type: 'layout-shift', buffered: true });"
    )
    return page


@pytest.mark.parametrize(
    ("width", "height", "fold"), [(1280, 800, 800), (420, 900, 700), (390, 844, 640)]
)
def test_all_stands_above_the_fold_and_nothing_jumps(context, url, width, height, fold):
    page = watched(context, width, height)
    page.goto(url)
    page.wait_for_selector("#panel [data-painter]", state="attached")
    page.wait_for_timeout(1000)
    for part in ("#panel .now canvas", "#panel .dial input"):
        box = page.locator(part).first.bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= fold
    assert page.evaluate("window.shift") < 0.05
    page.close()


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (420, 900)])
def test_nothing_jumps_where_the_head_comes_after_the_tabs(context, url, width, height):
    page, held = watched(context, width, height), []
    # Gradio mounts gr.HTML once it has these: here after the tabs.
    page.route("**/assets/HTML-*.js", lambda route: held.append(route))
    page.goto(url, wait_until="commit")
    page.wait_for_selector("#tabs", state="attached")
    page.wait_for_timeout(300)
    assert held
    expect(page.locator("#top")).to_have_count(0)
    for route in held:
        route.continue_()
    page.wait_for_selector("#panel [data-painter]", state="attached")
    page.wait_for_timeout(1000)
    assert page.evaluate("window.shift") < 0.05
    page.close()


def test_a_first_look_sees_a_slider_play_and_a_suggestion_moves_it(stranger, url):
    page = stranger.new_page()
    page.goto(url)
    page.wait_for_selector("#panel [data-played=yes]", state="attached")
    page.wait_for_timeout(400)
    assert "z=" not in page.url  # it is back where it was
    first = page.locator("#panel .try").first
    number = first.get_attribute("data-dimension")
    slider = page.locator(f"#panel .dial input[data-dimension='{number}']")
    before = slider.input_value()
    first.click()
    expect(slider).not_to_have_value(before)
    page.wait_for_url(re.compile("z="))


def test_a_slider_that_plays_goes_back_where_somebody_breaks_in(stranger, url):
    page = stranger.new_page()
    page.goto(url)
    away = page.locator("#panel .dial .undo:enabled")
    expect(away).to_have_count(1)  # on its way
    page.get_by_text("Choose a scene").click()
    page.wait_for_selector("#panel [data-played=yes]", state="attached")
    expect(away).to_have_count(0)
    expect(page.locator("#panel .change")).to_contain_text("0.0%")
    assert "z=" not in page.url


def test_an_unknown_checkpoint_does_not_stay_in_the_address(open_page):
    page = open_page(path="?checkpoint=nonsense&z=1,2")
    expect(page.get_by_test_id("toast-body")).to_contain_text("nonsense")
    expect(page).to_have_url(re.compile(r"/$"))
    expect(shown(page)).to_have_attribute("data-key", SOURCE)


def in_view(row, chosen):
    """Whether all of the chosen one shows in a row that scrolls sideways."""
    (left, width), (at, length) = (
        (box["x"], box["width"]) for box in (row.bounding_box(), chosen.bounding_box())
    )
    return left - 1 <= at and at + length <= left + width + 1


def test_on_a_phone_what_is_chosen_is_in_view_and_more_is_marked(open_page):
    page = open_page(420, path=f"?checkpoint={TUNED}&tab=your")
    tabs, line = page.locator("#tabs .tab-container").last, page.locator(".family-line")
    expect(shown(page)).to_have_attribute("data-key", TUNED)
    for name in ("Your data", "Datasets", "Traverse"):
        if name != "Your data":
            tabs.locator(f"[role=tab]:has-text('{name}')").evaluate("e => e.click()")
        tab = page.get_by_role("tab", selected=True)
        expect(tab).to_have_text(name)
        assert in_view(tabs, tab)
    expect(tabs).to_have_attribute("data-more", "right")
    assert in_view(line, shown(page))
    expect(line).to_have_attribute("data-more", re.compile("left"))


@pytest.mark.parametrize("asked", ["", "&tab=transfer"])
def test_a_tab_opened_before_the_server_answers_stays_open_and_is_painted(pages, url, asked):
    page, held = pages.kept_context.new_page(), []

    def hold_the_arrival(route):
        loads = page.evaluate(
            "window.gradio_config.dependencies.filter(d => d.targets.some(t => t[1] === 'load'))"
            ".map(d => d.id)"
        )
        held.append(route) if route.request.post_data_json["fn_index"] in loads else (
            route.continue_()
        )

    page.route("**/queue/join*", hold_the_arrival)
    page.goto(f"{url}?checkpoint={TUNED}{asked}")
    open_tab(page, "Association (OMES)")
    totals = page.locator(".total.omes dd:visible")
    expect(totals).to_have_count(3)
    assert held
    for route in held:
        route.continue_()
    expect(shown(page)).to_have_attribute("data-key", TUNED)
    expect(page.get_by_role("tab", selected=True)).to_have_text("Association (OMES)")
    expect(page).to_have_url(re.compile("tab=association"))
    page.close()


def text_of(selector):
    return lambda page: page.locator(selector).first.inner_text()


def value_of(selector):
    return lambda page: page.locator(selector).first.input_value()


def chosen(selector):
    return lambda page: page.locator(f"{selector} input:checked").first.get_attribute("value")


def code(page):
    """What the sliders say, by dimension; those that change nothing too."""
    read = "es => es.map(e => [Number(e.dataset.dimension), e.value]).sort((a, b) => a[0] - b[0])"
    return [value for _, value in page.locator("#panel .dial input").evaluate_all(read)]


VIEWS = {
    "traverse": (
        "range=things&axes=1,0&z=0.5,-0.25,1,0.12,0",
        [value_of(".range select"), value_of(".across"), code],
    ),
    "map": ("colour=turn", [value_of("#map .map-colour")]),
    "dimension": ("dim=2", [chosen("#dimension")]),
    "photos": ("photos=1&view=padded", [text_of("#photo-panel .caption")]),
    "association": (
        "alpha=0.25&pooling=max",
        [value_of("#alpha input[type=number]"), chosen("#pooling"), text_of(".total.omes dd")],
    ),
    "transfer": ("", [text_of("#transfer h2")]),
    "your": (f"own={DIRECT}&own_alpha=1", [text_of("#own-about b"), text_of("#own-score dd")]),
    "datasets": ("dataset=arm3d", [value_of("#dataset input")]),
}
SHOWN = {
    "traverse": "#panel [data-painter]", "map": "#map [data-points]",
    "dimension": "#dimension-page .stage-columns", "photos": "#photo-panel [data-painter]",
    "association": ".total.omes dd", "transfer": "#transfer .slope",
    "your": "#own-score dd", "datasets": "#dataset-sheet img",
}  # fmt: skip
EXPECTED = {
    "traverse": ["things", "1", ["0.5", "-0.25", "1", "0.12", "0"]],
    "map": ["turn"], "dimension": None, "photos": None,
    "association": ["0.25", "max"], "transfer": ["Color-dSprites → things"],
    "your": [DIRECT], "datasets": ["Arm3D"],
}  # fmt: skip


def test_every_tab_has_a_view():
    assert [tab.slug for tab in TABS] == list(VIEWS)


def test_an_address_shows_the_same_in_another_browser(pages, stranger, url):
    """Every tab: what an address asks for is shown, and its copy shows the same to a stranger."""
    page, other = pages.kept_context.new_page(), stranger.new_page()
    for slug, (view, parts) in VIEWS.items():
        address, found = f"{url}?checkpoint={TUNED}&tab={slug}&{view}", []
        for who in (page, other):
            who.goto(address)
            who.wait_for_selector(SHOWN[slug], state="attached")
            expect(shown(who)).to_have_attribute("data-key", TUNED)
            expect(who.locator(f"#tab-{slug}-button")).to_have_attribute("aria-selected", "true")
            found.append([part(who) for part in parts])
            address = who.evaluate("window.dviz.link()")
        assert found[0] == found[1], slug
        wanted = EXPECTED[slug] or found[0]
        assert found[0][: len(wanted)] == wanted, slug
    page.close()
