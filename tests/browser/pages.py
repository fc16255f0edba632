"""What people do in JupyterLab, by the names that they see."""

import re

from playwright.sync_api import expect


class Screen:
    """One person's JupyterLab in a browser; every picture of it is kept in the folder `shots`."""

    def __init__(self, browser, lab, shots, patience, size):
        self.lab, self.shots = lab, shots
        self.page = browser.new_context(viewport=size).new_page()
        self.page.set_default_timeout(patience)
        self.page.goto(lab.url)
        self.panel = self.page.locator("#jp-main-dock-panel")
        # It comes last, and before that it would come before what somebody has opened meanwhile.
        expect(self.panel.locator(".jp-MarkdownViewer h1")).to_be_visible()
        expect(self.page.locator("#jupyterlab-splash")).to_have_count(0)

    def picture(self, name):
        self.shots.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=self.shots / f"{name}.png")

    def menu(self, *names):
        """Choose from the menus at the top."""
        bar, *entries = names
        self.page.locator(".lm-MenuBar-item", has_text=bar).click()
        for name in entries:
            self.page.locator(".lm-Menu-item", has_text=re.compile(f"^{name}")).first.click()

    def menu_entries(self, name):
        """What a menu offers."""
        self.menu(name)
        menu = self.page.locator(".lm-Menu")
        expect(menu).to_be_visible()
        entries = menu.locator(".lm-Menu-itemLabel").all_inner_texts()
        self.menu(name)
        expect(menu).to_have_count(0)
        return [entry for entry in entries if entry]


class Assignments:
    """nbgrader's assignment list."""

    def __init__(self, screen):
        screen.menu("Nbgrader", "Assignment List")
        self.screen = screen
        self.root = screen.page.locator("#nbgrader-assignment-list")

    def rows(self, status):
        """The rows of a list: "released", "fetched" or "submitted"."""
        return self.root.locator(f"#{status}_assignments_list")

    def press(self, status, button):
        self.rows(status).get_by_role("button", name=button, exact=True).first.click()

    def refresh(self):
        self.root.locator("#refresh_assignments_list").click()


class Notebook:
    """An open notebook, its cells known by what is written in them."""

    def __init__(self, screen):
        self.screen = screen
        self.root = screen.panel.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
        expect(self.root.locator(".jp-Cell").first).to_be_visible()

    def cell(self, text):
        return self.root.locator(".jp-Cell", has_text=text).first

    def output(self, text):
        """What the cell that holds `text` showed."""
        return self.cell(text).locator(".jp-OutputArea").first

    def write(self, text, source):
        """Put `source` into the cell that holds `text`."""
        cell = self.cell(text)
        cell.scroll_into_view_if_needed()
        cell.locator(".cm-content").fill(source)

    def run_all(self):
        """Restart the kernel and run everything; returns when it has begun."""
        self.screen.menu("Run", "Restart Kernel and Run All Cells")
        self.screen.page.get_by_role("button", name="Confirm Kernel Restart").click()

    def save(self):
        """Save it, and wait until the server has it: another would get in its way."""

        def saved(response):
            return response.request.method == "PUT" and "/api/contents/" in response.url

        with self.screen.page.expect_response(saved):
            self.screen.page.keyboard.press("Control+s")


class Formgrader:
    """nbgrader's formgrader, which is a page within the page."""

    def __init__(self, screen):
        screen.menu("Nbgrader", "Formgrader")
        screen.panel.get_by_role("tab", name="Formgrader").click()
        self.screen = screen
        self.frame = screen.page.frame_locator("#formgrader-iframe iframe")

    def row(self, text):
        """The table's row in which `text` stands."""
        return self.frame.locator("tbody tr", has_text=text)

    def show(self, text):
        """Scroll to the row in which `text` stands."""
        self.row(text).scroll_into_view_if_needed()

    def press(self, text, column):
        """Press a row's button in `column`; the message that says it went well, which is closed."""
        self.row(text).locator(f".{column} a").click()
        message = self.frame.locator("#success-modal")
        expect(message).to_be_visible()
        said = message.inner_text()
        message.get_by_role("button", name="OK").click()
        expect(message).to_have_count(0)
        return said

    def follow(self, *links):
        """Follow one link after the other."""
        for link in links:
            self.frame.get_by_role("link", name=link).first.click()

    def type_and_save(self, field, text, kind):
        """Type into a field, leave it, and wait until the server has it: a "grade" or "comment"."""

        def saved(response):
            return response.request.method == "PUT" and f"/api/{kind}/" in response.url

        with self.screen.page.expect_response(saved):
            field.fill(text)
            field.blur()
