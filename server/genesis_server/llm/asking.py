"""One question to the model through pydantic-ai: a typed draft or a ModelCallError.

Importing this module imports the optional extra. The library's own retries, telemetry and price downloads are off: retries are the
gateway's, so that they keep to the caller's deadline. An answer that is no draft is sent back to the model once, with what is wrong.
"""

from __future__ import annotations

import logging
import warnings

import openai
from pydantic import BaseModel, Field
from pydantic_ai import Agent, ToolOutput
from pydantic_ai.exceptions import (
    AgentRunError,
    ModelAPIError,
    ModelConnectionError,
    ModelHTTPError,
    ModelQuotaExceededError,
    ModelRateLimitError,
)
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider
from pydantic_ai.usage import RunUsage

from genesis_server.llm.bounded_http import bounded_client
from genesis_server.llm.endpoint import Endpoint, Spent
from genesis_server.llm.failures import Failure, ModelCallError
from genesis_server.llm.prompt import Prompt
from genesis_server.model.catalogue import Artefact
from genesis_server.model.draft import DraftedTask, ModelDraft

TOOL = "hand_in_plan"
CORRECTIONS = 1
"""How often the model is told what is wrong with its answer and asked again."""
_CONFIGURATION = frozenset({401, 403, 404})
# These log requests, and some of them what is in them, at levels an operator may turn on for Genesis's own sake.
_TALKATIVE = ("openai", "httpx2", "httpcore2", "pydantic_ai", "genai-prices")


class TaskOut(BaseModel):
    """One task of the plan."""

    id: str = Field(description='A short id, used in "after" only.')
    goal: str = Field(description="What is to be done, in one sentence.")
    capability: str = Field("", description="Name of the catalogue entry that does it, or empty.")
    after: list[str] = Field(default=[], description="Ids of the tasks it waits for.")
    words: str = Field("", description="The piece of the goal it answers, copied exactly.")
    inputs: list[str] = Field(default=[], description="Names of what it takes, when capability is empty.")
    outputs: list[str] = Field(default=[], description="Names of what it gives, when capability is empty.")


class PlanOut(BaseModel):
    """A plan."""

    tasks: list[TaskOut]


class Asker:
    """A client of one endpoint; its methods belong to one event loop, its making may happen on a thread."""

    def __init__(self, endpoint: Endpoint, prompt: Prompt) -> None:
        """Set up; nothing is sent."""
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.ERROR)
        # Models that reason take no temperature; the library leaves it out by itself.
        warnings.filterwarnings("ignore", message="Sampling parameters", category=UserWarning)
        self._http = bounded_client()
        client = openai.AsyncOpenAI(
            base_url=endpoint.url,
            # The library wants one; endpoints without keys take anything.
            api_key=endpoint.api_key or "none",
            max_retries=0,
            timeout=None,
            http_client=self._http,
        )
        # Variables of the environment that are meant for another service.
        client.organization = client.project = None
        model = OpenAIChatModel(endpoint.model, provider=OpenAICompatibleProvider("endpoint", openai_client=client))
        self._agent: Agent[object, PlanOut] = Agent(
            model,
            name="planner",
            output_type=ToolOutput(PlanOut, name=TOOL, description=prompt.tool_description),
            instructions=prompt.instructions,
            retries=CORRECTIONS,
            model_settings={"max_tokens": endpoint.max_output_tokens, "temperature": 0.0},
        )

    async def ask(self, text: str, spent: Spent) -> ModelDraft:
        """The model's draft; `spent` grows by what it took, whatever comes of it. Raises ModelCallError."""
        usage = RunUsage()
        answered = False
        try:
            result = await self._agent.run(text, usage=usage)
            answered = True
        except ModelAPIError as error:
            raise _failure(error) from None
        except AgentRunError:
            answered = True
            raise ModelCallError(Failure.UNUSABLE, "the language model's answer was no draft of a plan", is_fault=False) from None
        finally:
            # Only requests that were answered are counted by the library.
            spent.requests += usage.requests + (0 if answered and usage.requests else 1)
            spent.input_tokens += usage.input_tokens
            spent.output_tokens += usage.output_tokens
        return ModelDraft(tuple(_drafted(task) for task in result.output.tasks))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def _drafted(task: TaskOut) -> DraftedTask:
    return DraftedTask(
        id=task.id,
        goal=task.goal,
        capability=task.capability,
        inputs=tuple(Artefact(name) for name in task.inputs),
        outputs=tuple(Artefact(name) for name in task.outputs),
        after=tuple(task.after),
        words=task.words,
    )


def _failure(error: ModelAPIError) -> ModelCallError:
    """What an error of the library means here."""
    if isinstance(error, ModelQuotaExceededError):
        return ModelCallError(Failure.REFUSED, "the quota at the language model's endpoint is used up", is_fault=True)
    if isinstance(error, ModelRateLimitError):
        why = "the language model's endpoint takes no more requests for now"
        return ModelCallError(Failure.RATE_LIMITED, why, is_fault=True, is_retryable=True, retry_after_seconds=error.retry_after)
    if isinstance(error, ModelConnectionError):
        return ModelCallError(Failure.UNAVAILABLE, "the connection to the language model failed", is_fault=True, is_retryable=True)
    if isinstance(error, ModelHTTPError):
        why = f"the language model's endpoint answered with HTTP {error.status_code}"
        if error.status_code >= 500:
            return ModelCallError(Failure.UNAVAILABLE, why, is_fault=True, is_retryable=True, retry_after_seconds=error.retry_after)
        return ModelCallError(Failure.REFUSED, why, is_fault=error.status_code in _CONFIGURATION)
    return ModelCallError(Failure.UNUSABLE, "what answered does not speak the language of chat completions", is_fault=True)
