"""nbgrader on the hub, for everybody; the course's own nbgrader_config.py adds to it."""

import os

c = get_config()  # noqa: F821 - nbgrader puts it here

c.CourseDirectory.course_id = os.environ["DLCOURSE_HUB_COURSE"]
c.Exchange.root = os.environ["DLCOURSE_HUB_EXCHANGE"]
c.ExchangeFactory.submit = "dlcourse.run.exchange.Submit"
# Seconds for one cell, as in grading.
c.Execute.timeout = 60
